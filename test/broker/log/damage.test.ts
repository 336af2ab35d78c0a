/**
 * Bits rot anywhere in the folder of a log that was closed. Reading it then gives what was written or CORRUPT_DATA, and
 * never anything else; damage to whatever can be made anew from the log does not show at all.
 */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MillraceError } from '../../../src/errors.ts'
import type { Files } from '../../../src/platform/platform.ts'
import { simulate, type Simulation } from '../../../src/platform/simulated/simulation.ts'
import { batchOf, recordsIn } from './batches.ts'
import { append, openLog, readAll } from './log-world.ts'

const folder = '/data/flights-0'
const config = { segmentBytes: 1200, indexIntervalBytes: 150, retentionMs: -1 }

interface Written {
  readonly sim: Simulation
  readonly files: Files
  readonly content: Map<string, Buffer>
  readonly records: string[]
}

/** A closed log of several segments, in memory. Record n has the timestamp 10 n. */
async function writtenLog(): Promise<Written> {
  const sim = simulate({ seed: 1 })
  const { files } = sim.machine('broker').platform
  const log = await sim.run(openLog(folder, { files, config }))
  const records: string[] = []
  for (let n = 0; n < 40; n++) {
    const producer = { id: BigInt(n % 3), epoch: 0, sequence: Math.floor(n / 3) }
    append(log, batchOf([`value ${n}`], { timestamp: n * 10, producer }), Math.floor(n / 9))
    records.push(`${n}:value ${n}`)
    if (n === 20) await sim.run(log.takeRecoveryPoint())
  }
  await sim.run(log.close())
  const content = new Map(
    files.list(folder).map(name => [name, files.read(`${folder}/${name}`) ?? Buffer.alloc(0)]),
  )
  return { sim, files, content, records }
}

function restore({ files, content }: Written, change?: { name: string; bytes: Buffer }): void {
  files.remove(folder)
  files.makeFolder(folder)
  for (const [name, bytes] of content) {
    const isChanged = name === change?.name
    files.open(`${folder}/${name}`, { create: true }).write(isChanged ? change.bytes : bytes, 0)
  }
}

/** The records up to the first that the log refuses to give. */
async function readable(written: Written): Promise<{ records: string[]; refused: boolean }> {
  const { sim, files } = written
  const log = await sim.run(openLog(folder, { files, config }))
  const records: string[] = []
  try {
    for (let offset = log.startOffset; offset < log.highWatermark; offset++) {
      const found = recordsIn(log.read(offset, 1))
      expect(found).toHaveLength(1)
      records.push(...found)
    }
    return { records, refused: false }
  } catch (error) {
    if (!(error instanceof MillraceError) || error.code !== 'CORRUPT_DATA') throw error
    return { records, refused: true }
  } finally {
    await sim.run(log.close())
  }
}

const written = await writtenLog()
const namesOf = (...kinds: string[]): string[] =>
  [...written.content.keys()].filter(name => kinds.some(kind => name.endsWith(kind)))

/** Every flip of one bit in one of the files. */
function flips(names: readonly string[]): fc.Arbitrary<{ name: string; bytes: Buffer }> {
  return fc.constantFrom(...names).chain(name => {
    const bytes = written.content.get(name) ?? Buffer.alloc(0)
    if (bytes.length === 0) return fc.constant({ name, bytes })
    return fc.record({ at: fc.nat(bytes.length - 1), bit: fc.nat(7) }).map(({ at, bit }) => {
      const flipped = Buffer.from(bytes)
      flipped[at] = (flipped[at] ?? 0) ^ (1 << bit)
      return { name, bytes: flipped }
    })
  })
}

describe('a flipped bit', () => {
  test('in a log file gives the records before it and then CORRUPT_DATA', async () => {
    let refusals = 0
    await fc.assert(
      fc.asyncProperty(flips(namesOf('.log')), async flip => {
        restore(written, flip)
        const { records, refused } = await readable(written)
        expect(records).toEqual(written.records.slice(0, records.length))
        expect(refused).toBe(true)
        refusals++
      }),
      { numRuns: 400 },
    )
    expect(refusals).toBe(400)
  })

  test('in an index, a snapshot or the checkpoint changes nothing', async () => {
    const names = namesOf('.index', '.timeindex', '.snapshot', 'partition.checkpoint')
    await fc.assert(
      fc.asyncProperty(flips(names), async flip => {
        restore(written, flip)
        const { sim, files } = written
        const log = await sim.run(openLog(folder, { files, config }))
        for (let n = 0; n < written.records.length; n++) {
          expect(log.offsetForTimestamp(n * 10 - 5)).toEqual({ offset: n, timestamp: n * 10 })
        }
        for (let n = 37; n < 40; n++) {
          const producer = { id: BigInt(n % 3), epoch: 0, sequence: Math.floor(n / 3) }
          const repeated = batchOf([`value ${n}`], { timestamp: n * 10, producer })
          expect(append(log, repeated, 5)).toMatchObject({ baseOffset: n, duplicate: true })
        }
        await sim.run(log.close())
        expect(await readable(written)).toEqual({ records: written.records, refused: false })
      }),
      { numRuns: 300 },
    )
  })

  test('in the leader epochs changes nothing', async () => {
    await fc.assert(
      fc.asyncProperty(flips(namesOf('leader-epoch-checkpoint')), async flip => {
        restore(written, flip)
        expect(await readable(written)).toEqual({ records: written.records, refused: false })
      }),
      { numRuns: 200 },
    )
  })
})

describe('a lost file', () => {
  test.each(namesOf('.index', '.timeindex', '.snapshot', 'checkpoint'))(
    '%s is made anew',
    async name => {
      restore(written)
      written.files.remove(`${folder}/${name}`)
      expect(await readable(written)).toEqual({ records: written.records, refused: false })
      if (name.endsWith('index')) expect(written.files.size(`${folder}/${name}`)).toBeDefined()
    },
  )

  test.each(namesOf('.log'))('%s is reported, and what is before it is read', async name => {
    restore(written)
    written.files.remove(`${folder}/${name}`)
    const { records, refused } = await readable(written)
    expect(records).toEqual(written.records.slice(0, records.length))
    expect(records.length).toBe(Number(name.slice(0, 20)))
    expect(refused).toBe(true)
  })

  test.each(namesOf('.log'))('a cut %s is reported', async name => {
    const bytes = written.content.get(name) ?? Buffer.alloc(0)
    restore(written, { name, bytes: bytes.subarray(0, bytes.length - 30) })
    const { records, refused } = await readable(written)
    expect(records).toEqual(written.records.slice(0, records.length))
    expect(refused).toBe(true)
  })
})

test('records after the damage can be reached by deleting those before', async () => {
  const name = namesOf('.log')[1] ?? ''
  const bytes = Buffer.from(written.content.get(name) ?? Buffer.alloc(0))
  bytes[30] = (bytes[30] ?? 0) ^ 1
  restore(written, { name, bytes })
  const { sim, files } = written
  const log = await sim.run(openLog(folder, { files, config }))
  const damaged = Number(name.slice(0, 20))
  expect(() => log.read(damaged, 1)).toThrow(/is damaged at byte .* where offset/)
  expect(() => log.read(39, 1)).toThrow(MillraceError)
  expect(append(log, batchOf(['more']), 5)).toMatchObject({ baseOffset: 40 })
  await sim.run(log.deleteRecordsBefore(38))
  await sim.run(log.durable(41))
  expect(readAll(log, 38)).toEqual(['38:value 38', '39:value 39', '40:more'])
  await sim.run(log.close())
})
