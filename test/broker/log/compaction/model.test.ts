/** Random lives of a compacted log, with clean stops, kills and power losses in the middle of rounds. */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { tableOf } from './keyed-log.ts'
import { CompactionWorld } from './compaction-world.ts'

const keys = ['', 'a', 'b', 'c', 'dd', 'ü']
const record = fc.record({
  key: fc.constantFrom(...keys),
  value: fc.option(fc.string({ maxLength: 30 }), { freq: 4 }),
  timestamp: fc.integer({ min: 0, max: 2000 }),
})
const step = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      kind: fc.constant('append' as const),
      records: fc.array(record, { minLength: 1, maxLength: 6 }),
      codec: fc.constantFrom('none', 'none', 'gzip', 'snappy', 'lz4', 'zstd'),
      once: fc.boolean(),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('compact' as const),
      /** Stops the machine in the middle of it. */
      fault: fc.option(
        fc.record({ isPowerLoss: fc.boolean(), delayMs: fc.integer({ min: 0, max: 60 }) }),
        { freq: 3 },
      ),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('pass' as const),
      delayMs: fc.integer({ min: 1, max: 40 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom('close' as const, 'kill' as const, 'crash' as const),
    }),
  },
)
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

async function run(seed: number, steps: readonly Step[], from: number): Promise<void> {
  const world = new CompactionWorld(seed)
  const { machine, sim } = world
  let log = await world.open()
  for (const current of steps) {
    if (!machine.isRunning) log = await world.open()
    switch (current.kind) {
      case 'append':
        await world.append(current.records, current)
        break
      case 'compact': {
        const { fault } = current
        const { platform } = machine
        if (fault !== null) {
          sim.after(fault.delayMs, () => {
            if (!machine.isRunning || machine.platform !== platform) return
            if (fault.isPowerLoss) machine.crash()
            else machine.kill()
          })
        }
        await world.compact()
        break
      }
      case 'pass':
        await world.pass(current.delayMs)
        break
      case 'close':
        if ((await world.unlessStopped(log.close().then(() => true))) === true) machine.kill()
        break
      case 'kill':
        machine.kill()
        break
      case 'crash':
        machine.crash()
        break
    }
    world.check(Math.floor(from * world.written.length))
  }
  if (!machine.isRunning) log = await world.open()
  // Two rounds, each with a segment closed before it: then every key has one record in what was closed by then.
  for (let round = 0; round < 2; round++) {
    while (!machine.isRunning) log = await world.open()
    const end = log.endOffset
    for (let n = 0; n < 3; n++) await world.append([{ key: `filler`, value: 'x'.repeat(400) }])
    if (!(await world.compact())) continue
    const below = world.records().filter(({ offset }) => offset < end)
    const live = below.map(({ key }) => key)
    expect(new Set(live).size).toBe(live.length)
    expect(tableOf(world.records())).toEqual(tableOf(world.written))
    await world.pass(50)
  }
}

test('compaction changes no table and no offset, whatever happens meanwhile', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.nat(),
      fc.array(step, { maxLength: 40, size: 'max' }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      run,
    ),
    { numRuns: 250 },
  )
})
