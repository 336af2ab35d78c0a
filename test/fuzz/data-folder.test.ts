/**
 * A data folder with topics, producers and groups, in which one file is damaged while the broker is down: bits flip, parts
 * turn to zeros, files get shorter, longer, vanish, change places, or are those of an earlier day. The broker then says
 * so, or the damage does not matter. It never shows what was not written, never keeps quiet about what it lost, and
 * goes on with what it has.
 *
 * MILLRACE_SEED=<seed> npx vitest run test/fuzz/data-folder.test.ts
 */
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type Broker, openBroker } from '../../src/broker/broker.ts'
import { MillraceError } from '../../src/errors.ts'
import type { Logger } from '../../src/logger.ts'
import type { Files } from '../../src/platform/platform.ts'
import { type SeededRandom, seededRandom } from '../../src/platform/simulated/seeded-random.ts'
import { simulate, type Simulation } from '../../src/platform/simulated/simulation.ts'
import { produce } from '../../src/protocol/messages/00-produce.ts'
import { offsetCommit } from '../../src/protocol/messages/08-offset-commit.ts'
import { offsetFetch } from '../../src/protocol/messages/09-offset-fetch.ts'
import { createTopics } from '../../src/protocol/messages/19-create-topics.ts'
import { sizeInBytes, stampProducer } from '../../src/protocol/record-batch.ts'
import { batchOf, recordsOf } from '../client/records.ts'
import { createTopic, ManualProducer, readCommitted } from '../broker/transactional-requests.ts'
import { pick } from './hostile-batches.ts'

const damages = process.env['CI'] === undefined ? 200 : 1_000
const seed = Number(process.env['MILLRACE_SEED'] ?? Math.floor(Math.random() * 2 ** 31))

const folder = '/data'
const groups = ['group-a', 'group-b'] as const
const topics = [
  { name: 'plain', partitions: 2 },
  { name: 'compacted', partitions: 1 },
] as const
/** Partition 0 of a topic that only transactions write to, every third of which is aborted. */
const transactional = 'transactional'
/** What a partition holds, and which of the client's topics they are. */
const places = topics.flatMap(({ name, partitions }) =>
  Array.from({ length: partitions }, (_, partition) => ({ name, partition })),
)

type Content = ReadonlyMap<string, Buffer>

interface Written {
  /** Path to bytes. */
  readonly content: Content
  /** What the same files held at an earlier stop. */
  readonly earlier: Content
  /** By place: the values from offset 0 on. */
  readonly records: readonly (readonly string[])[]
  /** By group: what it committed for each place. */
  readonly committed: readonly (readonly number[])[]
  /** What a reader of committed records finds in the transactional topic. */
  readonly visible: readonly string[]
}

/** Errors and warnings that a broker logs are how it reports. */
function listen(): { logger: Logger; reports: string[] } {
  const reports: string[] = []
  const ignore = (): void => {}
  const keep = (_: object, message: string): void => void reports.push(message)
  return { logger: { debug: ignore, info: ignore, warn: keep, error: keep }, reports }
}

function open(sim: Simulation, logger: Logger): Promise<Broker> {
  const { platform } = sim.machine('broker')
  const config = { offsetsTopicNumPartitions: 1, transactionStateLogNumPartitions: 1 }
  return openBroker({ platform, folder, logger, config })
}

/** Two lives of a broker; the first ends well, the second too if `isClean`, otherwise it is killed. */
async function write(isClean: boolean): Promise<Written> {
  const sim = simulate({ seed: 1 })
  const { files } = sim.machine('broker').platform
  const records = places.map((): string[] => [])
  const committed = groups.map(() => places.map(() => -1))
  const visible: string[] = []
  let earlier: Content = new Map()
  for (const life of [0, 1]) {
    const broker = await sim.run(open(sim, listen().logger))
    await sim.run(use(broker, life, records, committed))
    await sim.run(transact(broker, life, visible))
    if (life === 0 || isClean) await sim.run(broker.close())
    if (life === 0) earlier = contentOf(files)
  }
  return { content: contentOf(files), earlier, records, committed, visible }
}

async function use(
  broker: Broker,
  life: number,
  records: string[][],
  committed: number[][],
): Promise<void> {
  const connection = await broker.connector()({ host: '', port: 0 })
  if (life === 0) {
    await connection.request(createTopics, {
      topics: topics.map(({ name, partitions }) => ({
        name,
        numPartitions: partitions,
        replicationFactor: 1,
        assignments: [],
        configs: [
          { name: 'segment.bytes', value: '1500' },
          { name: 'cleanup.policy', value: name === 'plain' ? 'delete' : 'compact' },
        ],
      })),
      timeoutMs: 1_000,
      validateOnly: false,
    })
  }
  for (let n = 0; n < 12; n++) {
    for (const [index, { name, partition }] of places.entries()) {
      const values = [0, 1].map(i => `${name}-${partition} ${life}.${n}.${i} ${'.'.repeat(60)}`)
      const batch = batchOf(values, 1_704_067_200_000 + n, { key: `key ${n}` })
      const producer = { producerId: BigInt(1 + (n % 3)), producerEpoch: 0 }
      const round = life * 4 + Math.floor(n / 3)
      stampProducer(batch, { ...producer, baseSequence: round * 2 })
      const { responses } = await connection.request(produce, {
        transactionalId: null,
        acks: -1,
        timeoutMs: 1_000,
        topicData: [{ name, partitionData: [{ index: partition, records: batch }] }],
      })
      expect(responses[0]?.partitionResponses[0]?.errorCode ?? 0).toBe(0)
      records[index]?.push(...values)
    }
    const [group] = [n % groups.length]
    const offsets = places.map((_, index) => n + index + life * 20)
    const response = await connection.request(offsetCommit, {
      groupId: groups[group] ?? '',
      generationIdOrMemberEpoch: -1,
      memberId: '',
      topics: places.map(({ name, partition }, index) => ({
        name,
        partitions: [
          {
            partitionIndex: partition,
            committedOffset: offsets[index] ?? 0,
            committedMetadata: '',
          },
        ],
      })),
    })
    expect(response.topics[0]?.partitions[0]?.errorCode).toBe(0)
    committed[group] = offsets
  }
  await connection.close()
}

async function transact(broker: Broker, life: number, visible: string[]): Promise<void> {
  const connection = await broker.connector()({ host: '', port: 0 })
  if (life === 0) await createTopic(connection, transactional, 1)
  const producer = new ManualProducer(connection, 'id')
  expect(await producer.init()).toBe('NONE')
  for (let n = 0; n < 6; n++) {
    const value = `transaction ${life}.${n}`
    expect(await producer.add(transactional, [0])).toBe('NONE')
    expect(await producer.send(transactional, 0, [value])).toBe('NONE')
    expect(await producer.end(n % 3 === 2 ? 'abort' : 'commit')).toBe('NONE')
    if (n % 3 !== 2) visible.push(value)
  }
  await connection.close()
}

function contentOf(files: Files): Content {
  const content = new Map<string, Buffer>()
  const visit = (path: string): void => {
    if (path.endsWith('.lock')) return
    if (files.size(path) === undefined) for (const name of files.list(path)) visit(join(path, name))
    else content.set(path, Buffer.from(files.read(path) ?? []))
  }
  visit(folder)
  return content
}

interface Damage {
  readonly path: string
  readonly what: string
  readonly content: Content
}

function damage(written: Written, random: SeededRandom): Damage {
  const path = pick(random, [...written.content.keys()])
  const bytes = Buffer.from(written.content.get(path) ?? [])
  const content = new Map(written.content)
  const at = random.below(Math.max(bytes.length, 1))
  const kinds: Record<string, () => void> = {
    'a bit flips': () => {
      if (bytes.length > 0) bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8))
      content.set(path, bytes)
    },
    'a part turns to zeros': () => {
      const end = Math.min(bytes.length, at + 1 + random.below(512))
      content.set(path, bytes.fill(0, Math.min(at, end), end))
    },
    'it is cut': () => content.set(path, bytes.subarray(0, at)),
    'it grows by garbage': () => {
      content.set(path, Buffer.concat([bytes, random.bytes(1 + random.below(100))]))
    },
    'it grows by zeros': () => {
      content.set(path, Buffer.concat([bytes, Buffer.alloc(1 + random.below(5_000))]))
    },
    'it is empty': () => content.set(path, Buffer.alloc(0)),
    'it is gone': () => content.delete(path),
    'it changes places with another': () => {
      const sameFolder = [...content.keys()].filter(
        other => other !== path && join(other, '..') === join(path, '..'),
      )
      if (sameFolder.length === 0) return
      const other = pick(random, sameFolder)
      content.set(path, written.content.get(other) ?? bytes)
      content.set(other, bytes)
    },
    'it is an earlier one': () => {
      const old = written.earlier.get(path)
      if (old !== undefined) content.set(path, old)
    },
  }
  const what = pick(random, Object.keys(kinds))
  kinds[what]?.()
  return { path, what, content }
}

/** What came of a damage: it showed in nothing, was reported, or kept the broker from starting. */
type Outcome = 'harmless' | 'reported' | 'refused'

/** Nobody can tell a log that lost whole batches after the last recovery point from one that never had them. */
function looksUnwritten(written: Written, content: Content): boolean {
  return [...written.content].some(([path, before]) => {
    const after = content.get(path) ?? Buffer.alloc(0)
    if (!path.endsWith('.log') || after.length >= before.length) return false
    let end = 0
    while (end < after.length) end += sizeInBytes(before, end)
    return end === after.length && before.subarray(0, end).equals(after)
  })
}

async function live(
  written: Written,
  content: Content,
  mayBeQuiet: boolean = false,
): Promise<Outcome> {
  const sim = simulate({ seed: 2 })
  const { files } = sim.machine('broker').platform
  for (const [path, bytes] of content) {
    files.makeFolder(join(path, '..'))
    files.open(path, { create: true }).write(bytes, 0)
  }
  const { logger, reports } = listen()
  let lost = 0
  let shown: string[][] = []
  try {
    const broker = await sim.run(open(sim, logger), { maxVirtualMs: 60_000 })
    shown = places.map((_, index) => readable(broker, index, written.records[index] ?? []))
    lost += shown.reduce(
      (sum, values, index) => sum + (written.records[index]?.length ?? 0) - values.length,
      0,
    )
    lost += await sim.run(lostCommits(broker, written))
    lost += await sim.run(lostTransactions(broker, written))
    if (lost > 0 && !mayBeQuiet) expect(reports, 'a loss is reported').not.toEqual([])
    await sim.run(goOn(broker))
    await sim.run(broker.close(), { maxVirtualMs: 60_000 })
  } catch (error) {
    if (!(error instanceof MillraceError)) throw error
    expect(['CORRUPT_DATA', 'INVALID_CONFIG', 'FILE_ERROR']).toContain(error.code)
    return 'refused'
  }
  const again = await sim.run(open(sim, listen().logger), { maxVirtualMs: 60_000 })
  for (const [index, values] of shown.entries()) {
    expect(readable(again, index, values).length).toBeGreaterThanOrEqual(values.length)
  }
  await sim.run(again.close())
  return lost > 0 ? 'reported' : 'harmless'
}

/** The values from the start to where the log gives no more; each must be the one that was written there, if one was. */
function readable(broker: Broker, index: number, written: readonly string[]): string[] {
  const place = places[index]
  if (place === undefined) return []
  const log = broker.topics.partition(place.name, place.partition)
  if (log === undefined) return []
  const values: string[] = []
  try {
    while (values.length < log.highWatermark) {
      const found = recordsOf(log.read(values.length, 1), values.length)
      expect(found.length).toBeGreaterThan(0)
      for (const { offset, value } of found) {
        expect(offset).toBe(values.length)
        expect(value).toBe(written[offset] ?? value)
        values.push(value)
      }
    }
  } catch (error) {
    if (!(error instanceof MillraceError)) throw error
    expect(['CORRUPT_DATA', 'LOG_ERROR']).toContain(error.code)
  }
  return values
}

/** How many commits are not there any more; those that are must be right. */
async function lostCommits(broker: Broker, written: Written): Promise<number> {
  const connection = await broker.connector()({ host: '', port: 0 })
  let lost = 0
  for (const [group, offsets] of written.committed.entries()) {
    const { groups: answers } = await connection.request(offsetFetch, {
      groups: [
        {
          groupId: groups[group] ?? '',
          topics: topics.map(({ name, partitions }) => ({
            name,
            partitionIndexes: Array.from({ length: partitions }, (_, partition) => partition),
          })),
        },
      ],
    })
    const found = answers[0]?.topics.flatMap(({ partitions }) =>
      partitions.map(({ committedOffset }) => committedOffset),
    )
    for (const [index, offset] of offsets.entries()) {
      if (found?.[index] === offset) continue
      lost += 1
    }
  }
  await connection.close()
  return lost
}

/** How many committed records are not read; those that are must be the first of them. */
async function lostTransactions(broker: Broker, { visible }: Written): Promise<number> {
  const connection = await broker.connector()({ host: '', port: 0 })
  try {
    const { values } = await readCommitted(connection, transactional, 0)
    expect(values).toEqual(visible.slice(0, values.length))
    return visible.length - values.length
  } catch (error) {
    if (!String(error).includes('fetch answers KAFKA_STORAGE_ERROR')) throw error
    return visible.length
  } finally {
    await connection.close()
  }
}

/** Another record for each partition: taken, or refused with a sentence. */
async function goOn(broker: Broker): Promise<void> {
  for (const { name, partition } of places) {
    const log = broker.topics.partition(name, partition)
    if (log === undefined) continue
    const batch = batchOf(['more'], 1_704_067_300_000, { key: 'more' })
    const { lastOffset } = log.append(batch, {
      leaderEpoch: broker.leaderEpoch,
      assignOffsets: true,
    })
    await log.durable(lastOffset + 1)
  }
}

test.each([
  ['stopped in good order', true],
  ['killed', false],
])('the folder of a broker that was %s bears %#', async (_, isClean) => {
  process.stdout.write(`MILLRACE_SEED=${seed}\n`)
  const written = await write(isClean)
  expect(await live(written, written.content)).toBe('harmless')
  const outcomes = new Map<string, number>()
  for (let n = 0; n < damages / 2; n++) {
    const { path, what, content } = damage(written, seededRandom(seed, `${isClean} ${n}`))
    let outcome: Outcome
    try {
      outcome = await live(written, content, !isClean && looksUnwritten(written, content))
    } catch (cause) {
      throw new Error(`Damage ${n} of seed ${seed}: ${path}, ${what}`, { cause })
    }
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
  }
  process.stdout.write(`${isClean ? 'clean' : 'killed'}: ${JSON.stringify([...outcomes])}\n`)
  expect([...outcomes.keys()].sort()).toEqual(['harmless', 'refused', 'reported'])
})
