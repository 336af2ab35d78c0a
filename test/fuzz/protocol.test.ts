/**
 * A million hostile requests to brokers in a process of their own: bits flipped, lengths and counts that lie, frames cut,
 * joined and spliced, unknown versions, batches that are not what their header says. The broker never crashes, hangs or
 * answers what is none; honest clients beside lose nothing. Run another seed or more frames: see run.ts.
 */
import { spawn } from 'node:child_process'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, test } from 'vitest'
import { handlers } from '../../src/broker/api/index.ts'
import { framesPerRound } from './run.ts'

const frames = framesPerRound * (process.env['CI'] === undefined ? 10 : 100)
const seed = Number(process.env['MILLRACE_SEED'] ?? Math.floor(Math.random() * 2 ** 31))

/** A round takes less than a second; a broker that is silent for so long hangs. */
const HANG_MS = 60_000

interface Outcome {
  readonly code: number | null
  readonly lines: readonly string[]
}

function fuzz(): Promise<Outcome> {
  const script = resolve(import.meta.dirname, 'run.ts')
  const args = ['--conditions=millrace-source', script, '--seed', String(seed)]
  const child = spawn(process.execPath, [...args, '--frames', String(frames)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const lines: string[] = []
  const hang = setTimeout(() => {
    lines.push('It hangs.')
    child.kill('SIGKILL')
  }, HANG_MS)
  for (const stream of [child.stdout, child.stderr]) {
    createInterface(stream).on('line', line => {
      lines.push(line)
      hang.refresh()
    })
  }
  return new Promise(done => {
    child.once('close', code => {
      clearTimeout(hang)
      done({ code, lines })
    })
  })
}

interface Sum {
  readonly frames: number
  readonly closed: number
  readonly acknowledged: number
  readonly megabytes: number
  readonly answers: readonly (readonly [key: number, count: number])[]
}

test(`bears ${frames} hostile frames`, { timeout: 600_000 }, async () => {
  process.stdout.write(`MILLRACE_SEED=${seed}\n`)
  const { code, lines } = await fuzz()
  expect(code, lines.slice(-4).join('\n')).toBe(0)
  const sum: Sum = JSON.parse(lines.at(-1) ?? '{}')
  const answers = new Map(sum.answers)
  // Frames that nobody read would have proved nothing, nor would a broker that closes on everything.
  expect(sum.frames).toBe(frames)
  for (const key of handlers.keys()) {
    expect(answers.get(key) ?? 0, `answers of API ${key}`).toBeGreaterThan(frames / 10_000)
  }
  expect(sum.closed).toBeGreaterThan(frames / 10)
  expect(sum.acknowledged).toBeGreaterThan(frames / 1_000)
  expect(sum.megabytes, 'megabytes above an idle process').toBeLessThan(400)
  process.stdout.write(`${lines.at(-1)}\n`)
})
