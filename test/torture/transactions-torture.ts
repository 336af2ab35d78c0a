/**
 * `millrace broker` is killed again and again under transactional producers of two client libraries. What a reader of
 * committed records finds after each kill is what it found before, and more; committed offsets do not go back. In the
 * end no transaction is open, and each is in all of its partitions or in none: in all when its producer was told that it
 * was committed, in none when it never asked for that.
 *
 * The reader is our own, at the level of the protocol: the filters of both libraries let aborted records through.
 */
import assert from 'node:assert/strict'
import { wireConnector } from '../../src/client/wire-connection.ts'
import type { Connection } from '../../src/client/connection.ts'
import { nodePlatform } from '../../src/platform/node-platform.ts'
import { type SeededRandom, seededRandom } from '../../src/platform/simulated/seeded-random.ts'
import { committedOffset, createTopic, readCommitted } from '../broker/transactional-requests.ts'
import { type BrokerProcess, startBrokerProcess } from './broker-process.ts'
import {
  clientLibraries,
  type OpenTransaction,
  type TransactionalProducer,
} from './transactional-clients.ts'

const TOPIC = 'records'
const SOURCE = 'source'
const PARTITIONS = 3

/** A step of a client that takes longer is given up, with the producer. */
const STUCK_MS = 20_000

export interface TortureResult {
  readonly kills: number
  /** Kills that came while a transaction was open. */
  readonly killsInTransaction: number
  /** How many transactions there were, by what became of them. */
  readonly transactions: ReadonlyMap<string, number>
  readonly records: number
  /** Producers that were made, and transactions that they were told are committed, by library. */
  readonly producers: ReadonlyMap<string, number>
  readonly committed: ReadonlyMap<string, number>
}

/** What a producer did in one transaction and was told of it. */
interface Told {
  readonly library: string
  readonly id: string
  readonly name: string
  readonly sent: { readonly partition: number; readonly value: string }[]
  offset: number | null
  asked: 'commit' | 'abort' | null
  end: 'commit' | 'abort' | 'failed' | null
}

/** Kills the broker on this data folder so often. Throws an assertion that says what was broken. */
export async function tortureTransactions(
  data: string,
  { seed, kills }: { seed: number; kills: number },
): Promise<TortureResult> {
  const random = seededRandom(seed, 'kills')
  let broker = await startBrokerProcess(data, 0)
  const port = Number(broker.bootstrap.split(':')[1])
  const stopping = new AbortController()
  const history: Told[] = []
  const producers = new Map<string, number>()
  /** What readers of committed records found so far, by partition, and the offsets they were told, by group. */
  const found: string[][] = Array.from({ length: PARTITIONS }, () => [])
  const offsets = new Map<string, number>()
  let killsInTransaction = 0

  const connected = async <Result>(
    work: (connection: Connection) => Promise<Result>,
  ): Promise<Result> => {
    const connector = wireConnector(nodePlatform(), { clientId: 'torture' })
    const connection = await connector({ host: '127.0.0.1', port })
    try {
      return await work(connection)
    } finally {
      await connection.close()
    }
  }

  async function look(): Promise<boolean> {
    return connected(async connection => {
      let isAllStable = true
      for (const [partition, before] of found.entries()) {
        const { values, lastStableOffset, highWatermark } = await readCommitted(
          connection,
          TOPIC,
          partition,
        )
        assert.deepEqual(values.slice(0, before.length), before, `partition ${partition} changed`)
        found[partition] = values
        isAllStable &&= lastStableOffset === highWatermark
      }
      for (const group of new Set(history.map(({ id }) => id))) {
        const offset = await committedOffset(connection, group, SOURCE)
        // A name instead of a number: a transaction that has the offset pending is open.
        if (typeof offset === 'string') continue
        assert(
          offset >= (offsets.get(group) ?? -1),
          `the offset of ${group} went back to ${offset}`,
        )
        offsets.set(group, offset)
      }
      return isAllStable
    })
  }

  await connected(async connection => {
    await createTopic(connection, TOPIC, PARTITIONS)
    await createTopic(connection, SOURCE, 1)
  })
  const ids = Object.keys(clientLibraries).flatMap(library => [1, 2].map(n => ({ library, n })))
  const working = Promise.all(
    ids.map(async ({ library, n }) => {
      const id = `${library.replaceAll(/\W/g, '')}-${n}`
      const open = Object.entries(clientLibraries).find(([name]) => name === library)?.[1]
      assert(open !== undefined)
      const writer = { library, id, random: seededRandom(seed, id) }
      await write(writer, history, stopping.signal, async () => {
        producers.set(library, (producers.get(library) ?? 0) + 1)
        return open(broker.bootstrap, id)
      })
    }),
  )
  working.catch(() => stopping.abort())

  try {
    for (let kill = 0; kill < kills && !stopping.signal.aborted; kill++) {
      await untilBusy(history, random, stopping.signal)
      if (history.some(({ sent, end }) => sent.length > 0 && end === null)) killsInTransaction += 1
      await broker.kill()
      broker = await startBrokerProcess(data, port)
      refuseErrors(broker)
      await look()
    }
    stopping.abort()
    await working
    const deadline = performance.now() + 60_000
    while (!(await look())) {
      assert(performance.now() < deadline, 'a transaction stays open')
      await turns(1_000)
    }
  } finally {
    stopping.abort()
    await broker.kill()
  }
  const transactions = check(history, found, offsets)
  const records = found.reduce((sum, values) => sum + values.length, 0)
  const committed = new Map<string, number>()
  for (const { library, end } of history) {
    if (end === 'commit') committed.set(library, (committed.get(library) ?? 0) + 1)
  }
  return { kills, killsInTransaction, transactions, records, producers, committed }
}

/** Transaction after transaction by one transactional id; a producer that fails is replaced by one with the same id. */
async function write(
  { library, id, random }: { library: string; id: string; random: SeededRandom },
  history: Told[],
  stopping: AbortSignal,
  open: () => Promise<TransactionalProducer>,
): Promise<void> {
  let producer: TransactionalProducer | undefined
  for (let n = 0; !stopping.aborted; n++) {
    const name = `${id}.${n}`
    const told: Told = { library, id, name, sent: [], offset: null, asked: null, end: null }
    try {
      producer ??= await unlessStuck(open())
      await transact(await unlessStuck(producer.begin()), told, random, history)
    } catch (error) {
      if (error instanceof assert.AssertionError) throw error
      told.end = 'failed'
      // What becomes of a client that has lost its broker is no promise of the broker.
      producer?.close().catch(() => {})
      producer = undefined
      await turns(50)
    }
  }
  await producer?.close().catch(() => {})
}

async function transact(
  transaction: OpenTransaction,
  told: Told,
  random: SeededRandom,
  history: Told[],
): Promise<void> {
  history.push(told)
  const number = history.length
  for (let batches = 1 + random.below(4); batches > 0; batches--) {
    const partition = random.below(PARTITIONS)
    const values = Array.from({ length: 1 + random.below(3) }, (_, i) => {
      return `${told.name}:${batches}.${i}${'.'.repeat(random.below(500))}`
    })
    told.sent.push(...values.map(value => ({ partition, value })))
    await unlessStuck(transaction.send(TOPIC, partition, values))
  }
  if (transaction.commitOffset !== undefined && random.chance(0.5)) {
    told.offset = number
    await unlessStuck(transaction.commitOffset(told.id, SOURCE, number))
  }
  told.asked = random.chance(0.7) ? 'commit' : 'abort'
  await unlessStuck(told.asked === 'commit' ? transaction.commit() : transaction.abort())
  told.end = told.asked
}

/** Rejects when a client says nothing any more. */
async function unlessStuck<Result>(work: Promise<Result>): Promise<Result> {
  const { promise, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error('The client is stuck')), STUCK_MS)
  try {
    return await Promise.race([work, promise])
  } finally {
    clearTimeout(timer)
  }
}

/** Until a seeded number of transactions more has ended, and then somewhere within the next. */
async function untilBusy(
  history: readonly Told[],
  random: SeededRandom,
  stopping: AbortSignal,
): Promise<void> {
  const ended = (): number => history.filter(({ end }) => end === 'commit').length
  const target = ended() + 2 + random.below(10)
  while (ended() < target && !stopping.aborted) await turns(20)
  await turns(random.below(400))
}

async function turns(count: number): Promise<void> {
  for (let left = count; left > 0; left--) await new Promise(done => setImmediate(done))
}

function refuseErrors({ log }: BrokerProcess): void {
  assert.deepEqual(
    log.filter(line => line.includes('"level":"error"')),
    [],
  )
}

function check(
  history: readonly Told[],
  found: readonly (readonly string[])[],
  offsets: ReadonlyMap<string, number>,
): Map<string, number> {
  const places = found.map(values => new Map(values.map((value, place) => [value, place])))
  for (const [partition, values] of found.entries()) {
    assert.equal(places[partition]?.size, values.length, `doubles in partition ${partition}`)
  }
  const transactions = new Map<string, number>()
  const lastPlace = new Map<string, number>()
  const lastOffset = new Map<string, number>()
  let known = 0
  for (const { id, name, sent, asked, end, offset } of history) {
    const there = sent.filter(({ partition, value }) => places[partition]?.has(value) === true)
    const what = `${name} (asked ${asked}, told ${end})`
    if (there.length > 0) assert.equal(asked, 'commit', `records of ${what} are there`)
    if (there.length > 0) assert.equal(there.length, sent.length, `only a part of ${what} is there`)
    if (end === 'commit') assert.equal(there.length, sent.length, `nothing of ${what} is there`)
    for (const { partition, value } of there) {
      const place = places[partition]?.get(value) ?? -1
      const key = `${id} ${partition}`
      assert(place > (lastPlace.get(key) ?? -1), `${what} is in another order`)
      lastPlace.set(key, place)
    }
    known += there.length
    if (there.length > 0 && offset !== null) lastOffset.set(id, offset)
    const became = `asked ${asked ?? 'nothing'}, told ${end ?? 'nothing'}${there.length > 0 ? ', there' : ''}`
    transactions.set(became, (transactions.get(became) ?? 0) + 1)
  }
  const all = found.reduce((sum, values) => sum + values.length, 0)
  assert.equal(known, all, 'there is a record that nobody sent')
  for (const [group, offset] of offsets) {
    assert.equal(offset, lastOffset.get(group) ?? -1, `the committed offset of ${group}`)
  }
  return transactions
}
