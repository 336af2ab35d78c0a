/**
 * Sends hostile frames to brokers in this process, so many to each:
 *
 *     npx node --conditions=millrace-source test/fuzz/run.ts --frames 1000000 --seed 1
 *
 * Ends with exit code 1 after the first round in which something happened that must not, and prints the command that
 * replays the round and the bytes that were sent last. A frame that makes the broker hang is the last that `--print`
 * shows.
 */
import { parseArgs } from 'node:util'
import { fuzzRound } from './fuzz-round.ts'
import { requestPool } from './request-pool.ts'

export const framesPerRound = 10_000

/** The one command that replays a round. */
export function replayCommand(seed: number, round: number): string {
  return `npx node --conditions=millrace-source test/fuzz/run.ts --seed ${seed} --from ${round} --frames ${framesPerRound} --print`
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      frames: { type: 'string', default: '1000000' },
      seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
      from: { type: 'string', default: '0' },
      print: { type: 'boolean', default: false },
    },
  })
  const [frames, seed, from] = [Number(values.frames), Number(values.seed), Number(values.from)]
  if (![frames, seed, from].every(Number.isSafeInteger)) {
    throw new Error('--frames, --seed and --from are whole numbers.')
  }
  const pool = requestPool(seed)
  const answers = new Map<number, number>()
  const sum = { closed: 0, acknowledged: 0, megabytes: 0 }
  const rounds = Math.ceil(frames / framesPerRound)
  const idleBytes = process.memoryUsage.rss()
  for (let round = from; round < from + rounds; round++) {
    process.stdout.write(`round ${round} of seed ${seed}\n`)
    const result = await fuzzRound({
      seed: seed + round,
      frames: framesPerRound,
      pool,
      ...(values.print && {
        onFrame: (frame: Buffer) => process.stdout.write(`${frame.toString('hex')}\n`),
      }),
    })
    if (result.violation !== undefined) {
      process.stdout.write(
        `Round ${round} of seed ${seed}: ${result.violation}\nReplay: ${replayCommand(seed, round)}\nThe last frame: ${result.lastFrame}\n`,
      )
      process.exitCode = 1
      return
    }
    for (const [key, count] of result.answers) answers.set(key, (answers.get(key) ?? 0) + count)
    sum.closed += result.closed
    sum.acknowledged += result.acknowledged
    sum.megabytes = Math.max(
      sum.megabytes,
      Math.round((process.memoryUsage.rss() - idleBytes) / 1024 / 1024),
    )
  }
  process.stdout.write(
    `${JSON.stringify({ seed, frames: rounds * framesPerRound, ...sum, answers: [...answers].sort(([a], [b]) => a - b) })}\n`,
  )
}

if (import.meta.main) await main()
