import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'

import { startBroker } from '../../../src/broker/start-broker.ts'
import { createLogClient } from '../../../src/client/kafka-client.ts'
import type { LogClient } from '../../../src/client/log-client.ts'
import { defineApp } from '../../../src/dsl/define-app.ts'
import type { StreamsConfig } from '../../../src/dsl/streams-config.ts'
import { nodePlatform } from '../../../src/platform/node-platform.ts'
import type { Application } from '../../../src/runtime/application.ts'
import { startApplication } from '../../../src/runtime/application.ts'
import { queryClient } from '../../../src/runtime/http/query-client.ts'
import {
  keyQuery,
  multiVersionedKeyQuery,
  rangeQuery,
  sessionQuery,
  sessionRangeQuery,
  versionedKeyQuery,
  windowKeyQuery,
  windowRangeQuery,
} from '../../../src/runtime/queries/query.ts'
import { string } from '../../../src/serde/string.ts'
import { memoryEngine } from '../../../src/state/memory-engine.ts'
import type { ReadOnlyKeyValueStore } from '../../../src/state/stores.ts'
import { sessions } from '../../../src/windowing/session-windows.ts'
import { tumbling } from '../../../src/windowing/time-windows.ts'
import { produce, record, temporaryFolder, type TestRecord } from '../testbed.ts'

const platform = nodePlatform()
const text = { key: string(), value: string() }
const minute = 60_000

/** One store of each kind over the same records, and a global one. */
const app = defineApp('kinds', builder => {
  const words = builder.stream('words', text)
  const grouped = words.groupByKey()
  grouped.count({ store: 'counts' })
  grouped
    .windowedBy(tumbling({ minutes: 1 }, { grace: { hours: 1 } }))
    .count({ store: 'per-minute' })
  grouped.windowedBy(sessions({ seconds: 10 }, { grace: { hours: 1 } })).count({ store: 'visits' })
  builder.table('prices', { ...text, store: 'prices', historyRetention: { hours: 1 } })
  builder.globalTable('names', { ...text, store: 'names' })
})

/** Three instances over one broker, in this process. */
class Cluster implements AsyncDisposable {
  readonly instances: Application[] = []
  readonly #closes: (() => unknown)[] = []
  readonly client: LogClient

  private constructor(client: LogClient) {
    this.client = client
  }

  static async start(
    size: number,
    records: Readonly<Record<string, readonly TestRecord[]>>,
    config: StreamsConfig = {},
  ) {
    const broker = await startBroker({ flush: 'os' })
    const newClient = (): LogClient =>
      createLogClient({ platform, bootstrap: [broker.address], connector: broker.connector() })
    const cluster = new Cluster(newClient())
    cluster.#closes.push(() => broker.close())
    await cluster.client.createTopics([
      { name: 'words', partitions: 6 },
      { name: 'prices', partitions: 6 },
      { name: 'names', partitions: 2 },
    ])
    for (const [topic, each] of Object.entries(records)) await produce(cluster.client, topic, each)
    for (let at = 0; at < size; at++) {
      const folder = temporaryFolder()
      const client = newClient()
      cluster.instances.push(
        await startApplication(app, {
          client,
          stateFolder: folder.path,
          engine: memoryEngine(),
          commitIntervalMs: 20,
          ...config,
          applicationServer: '127.0.0.1:0',
        }),
      )
      cluster.#closes.push(
        () => client.close(),
        () => folder[Symbol.dispose](),
      )
    }
    await cluster.settled()
    return cluster
  }

  get endpoints(): string[] {
    return this.instances.flatMap(({ endpoint }) => endpoint ?? [])
  }

  /** All tasks are at work somewhere, everybody knows where, and the input is processed. */
  async settled(): Promise<void> {
    for (;;) {
      await Promise.all(this.instances.map(instance => instance.untilEnd()))
      const known = this.instances.map(({ streamsMetadata }) => streamsMetadata.instances())
      const isKnown = known.every(
        instances =>
          instances.length === this.instances.length &&
          instances.every(({ stores }) => stores.length > 0),
      )
      const [first, ...others] = known.map(each => JSON.stringify(each))
      if (isKnown && others.every(other => other === first)) return
      await new Promise(resolve => setTimeout(resolve, 20))
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.instances.map(instance => instance.close()))
    await this.client.close()
    for (const close of this.#closes.toReversed()) await close()
  }
}

async function list<T>(rows: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const row of rows) all.push(row)
  return all
}

interface JsonAnswer {
  readonly owner: string
  readonly partition: number
  readonly position: Record<string, Record<number, number>>
}

const answerOf = (body: unknown): JsonAnswer => body as JsonAnswer

const keys = Array.from({ length: 40 }, (_, i) => `key-${i}`)
const words = keys.flatMap((key, i) =>
  Array.from({ length: (i % 3) + 1 }, (_, n) => record(key, 'x', n * minute + i)),
)
const prices = keys.flatMap(key => [record(key, 'low', 1000), record(key, 'high', 2000)])
const names = keys.map(key => record(key, key.toUpperCase(), 5))
const counts = new Map<string, number>()
for (const { key } of words) counts.set(String(key), (counts.get(String(key)) ?? 0) + 1)

describe('three instances, any of which answers for all', () => {
  let cluster: Cluster
  beforeAll(async () => {
    cluster = await Cluster.start(3, { words, prices, names })
  }, 60_000)
  afterAll(() => cluster[Symbol.asyncDispose]())

  test('what is read from afar is what is here, and what a fold gives', async () => {
    const local = new Map<string, number>()
    for (const instance of cluster.instances) {
      const store = instance.store<ReadOnlyKeyValueStore<string, number>>('counts')
      for (const { key, value } of await list(store.all())) local.set(key, value)
    }
    expect(local).toEqual(counts)
    const remotes = cluster.endpoints.map(endpoint => queryClient(app, [endpoint]))
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...remotes),
        fc.constantFrom(...keys, 'nobody', ''),
        fc.constantFrom(...keys),
        fc.boolean(),
        async (remote, from, to, reverse) => {
          const { value } = await remote.query({
            store: 'counts',
            query: keyQuery<string, number>(from),
          })
          expect(value?.value).toBe(counts.get(from))
          const range = await remote.query({
            store: 'counts',
            query: rangeQuery<string, number>({ from, to, reverse }),
          })
          const rows = await list(range.value)
          const expected = [...counts].filter(([key]) => key >= from && key <= to)
          expect(new Map(rows.map(row => [row.key, row.value]))).toEqual(new Map(expected))
          expect(rows).toHaveLength(expected.length)
          // One partition after the other, each in the order of its keys.
          const offers = range.partitions.map(({ partition }) => partition)
          expect(offers).toEqual([0, 1, 2, 3, 4, 5])
        },
      ),
      { numRuns: 25 },
    )
  })

  test('windows, sessions, versions and global tables', async () => {
    const [endpoint = ''] = cluster.endpoints
    const remote = queryClient(app, [endpoint])
    const windows = await list(
      (
        await remote.query({
          store: 'per-minute',
          query: windowKeyQuery<string, number>('key-2', { from: minute }),
        })
      ).value,
    )
    expect(windows).toEqual([
      { key: 'key-2', windowStart: minute, value: 1, timestamp: minute + 2 },
      { key: 'key-2', windowStart: 2 * minute, value: 1, timestamp: 2 * minute + 2 },
    ])
    const all = await list(
      (
        await remote.query({
          store: 'per-minute',
          query: windowRangeQuery<string, number>({ from: minute, to: minute }),
        })
      ).value,
    )
    expect(all.map(({ key }) => key).sort()).toEqual(
      words
        .filter(({ timestamp }) => Math.floor(timestamp / minute) === 1)
        .map(({ key }) => `${key}`)
        .sort(),
    )
    const visits = await list(
      (await remote.query({ store: 'visits', query: sessionQuery<string, number>('key-1') })).value,
    )
    expect(visits.map(({ start, end, value }) => [start, end, value])).toEqual([
      [1, 1, 1],
      [minute + 1, minute + 1, 1],
    ])
    const many = await list(
      (
        await remote.query({
          store: 'visits',
          query: sessionRangeQuery<string, number>({ latestStart: 10 }),
        })
      ).value,
    )
    expect(many.map(({ key }) => key).sort()).toEqual(keys.slice(0, 11).sort())
    const asOf = await remote.query({
      store: 'prices',
      query: versionedKeyQuery<string, string>('key-7', 1500),
    })
    expect(asOf.value).toEqual({ value: 'low', timestamp: 1000, validTo: 2000 })
    const latest = await remote.query({
      store: 'prices',
      query: versionedKeyQuery<string, string>('key-7'),
    })
    expect(latest.value).toEqual({ value: 'high', timestamp: 2000, validTo: Infinity })
    const versions = await list(
      (
        await remote.query({
          store: 'prices',
          query: multiVersionedKeyQuery<string, string>('key-7', { reverse: true }),
        })
      ).value,
    )
    expect(versions.map(({ value }) => value)).toEqual(['high', 'low'])
    const name = await remote.query({ store: 'names', query: keyQuery<string, string>('key-3') })
    expect(name.value?.value).toBe('KEY-3')
  })

  test('people read JSON, and are told who has answered and how far it has come', async () => {
    const [instance] = cluster.instances
    const owners = new Set<unknown>()
    for (const key of keys.slice(0, 12)) {
      const response = await fetch(`http://${instance?.endpoint}/stores/counts/keys/${key}`)
      const body = answerOf(await response.json())
      expect(body).toMatchObject({
        store: 'counts',
        role: 'active',
        lag: 0,
        isolation: 'readUncommitted',
        row: { value: counts.get(key) },
      })
      const metadata = instance?.streamsMetadata.ofKey('counts', key)
      expect([body.owner, body.partition]).toEqual([metadata?.active, metadata?.partition])
      expect(body.position['words']?.[body.partition]).toBeGreaterThanOrEqual(0)
      owners.add(body.owner)
    }
    expect(owners.size).toBe(3)
  })

  test('what is wrong with a question is told with a status and a code', async () => {
    const [endpoint] = cluster.endpoints
    const ask = async (path: string, init: RequestInit = {}): Promise<unknown> => {
      const response = await fetch(`http://${endpoint}${path}`, init)
      const text = await response.text()
      const isJson = response.headers.get('content-type')?.includes('application/json') === true
      return [response.status, isJson ? JSON.parse(text).code : text.trim()]
    }
    expect(await ask('/stores/count/keys/a')).toEqual([404, 'UNKNOWN_STORE'])
    expect(await ask('/stores/counts/keys/nobody')).toEqual([404, 'KEY_NOT_FOUND'])
    expect(await ask('/stores/counts/keys/a/windows')).toEqual([400, 'INVALID_CONFIG'])
    expect(await ask('/stores/counts/rows?limit=many')).toEqual([400, 'INVALID_CONFIG'])
    expect(await ask('/stores/counts/rows?partition=9')).toEqual([400, 'INVALID_CONFIG'])
    expect(await ask('/stores/counts/keys/a?position=x')).toEqual([400, 'INVALID_CONFIG'])
    expect(await ask('/nothing')).toEqual([404, 'NOT_FOUND'])
    expect(await ask('/healthz', { headers: { origin: 'http://evil.example' } })).toEqual([
      403,
      'FORBIDDEN',
    ])
    expect(await ask('/healthz')).toEqual([200, 'RUNNING'])
    expect(await ask('/readyz')).toEqual([200, 'RUNNING'])
    // Who pauses a worker does not want it to be replaced.
    await ask('/pause', { method: 'POST' })
    expect(await ask('/readyz')).toEqual([200, 'RUNNING'])
    await ask('/resume', { method: 'POST' })
    const partition = cluster.instances[0]?.streamsMetadata.ofKey('counts', 'key-1').partition ?? 0
    const bound = encodeURIComponent(JSON.stringify({ words: { [partition]: 1_000_000 } }))
    expect(await ask(`/stores/counts/keys/key-1?position=${bound}`)).toEqual([
      503,
      'NOT_UP_TO_BOUND',
    ])
  })

  test('rows come up to a limit, and the end says whether there are more', async () => {
    const [endpoint] = cluster.endpoints
    for (const limit of [0, 1, 7, 39, 40, 41]) {
      const response = await fetch(`http://${endpoint}/stores/counts/rows?limit=${limit}`)
      const lines = (await response.text()).trim().split('\n')
      const { end } = JSON.parse(lines.pop() ?? '')
      expect(lines).toHaveLength(Math.min(limit, 40))
      expect([end.rows, end.truncated]).toEqual([lines.length, limit < 40])
    }
  })
})

test('a reader waits for its own write, and when the owner is gone reads move', async () => {
  await using cluster = await Cluster.start(2, { words, prices, names })
  const remote = queryClient(app, cluster.endpoints)
  const key = 'key-5'
  const [instance] = cluster.instances
  const { partition, active } = instance?.streamsMetadata.ofKey('counts', key) ?? {}
  expect(partition).toBeDefined()
  const [end] = await cluster.client.listOffsets(
    [{ topic: 'words', partition: partition ?? 0 }],
    'latest',
  )
  const written = produce(cluster.client, 'words', [record(key, 'more', 3 * minute)])
  const positionBound = { words: { [partition ?? 0]: end?.offset ?? 0 } }
  const query = keyQuery<string, number>(key)
  const { value } = await remote.query({ store: 'counts', query, positionBound, waitMs: 10_000 })
  await written
  expect(value?.value).toBe((counts.get(key) ?? 0) + 1)

  const owner = cluster.instances.findIndex(({ endpoint }) => endpoint === active)
  const [gone] = cluster.instances.splice(owner, 1)
  await gone?.close()
  for (;;) {
    try {
      const answer = await remote.query({ store: 'counts', query })
      expect(answer.value?.value).toBe((counts.get(key) ?? 0) + 1)
      expect(answer.partitions[0]?.owner).toBe(cluster.endpoints[0])
      break
    } catch (error) {
      expect(error).toMatchObject({ retriable: true })
      await new Promise(resolve => setTimeout(resolve, 50))
    }
  }
})

test('a standby answers what it has, and knows when that is as much as the reader wants', async () => {
  await using cluster = await Cluster.start(2, { words, prices, names }, { numStandbyReplicas: 1 })
  const key = 'key-5'
  const query = keyQuery<string, number>(key)
  const [instance] = cluster.instances
  const { partition = 0, active } = instance?.streamsMetadata.ofKey('counts', key) ?? {}
  const other = cluster.instances.find(({ endpoint }) => endpoint !== active)
  const [end] = await cluster.client.listOffsets([{ topic: 'words', partition }], 'latest')
  const positionBound = { words: { [partition]: (end?.offset ?? 0) - 1 } }
  const request = { store: 'counts', query, partitions: [partition], positionBound }
  await vi.waitFor(
    async () => {
      const { partitions } = (await other?.query({ ...request, waitMs: 1000 })) ?? {}
      const result = partitions?.get(partition)
      if (result?.ok !== true) throw new Error(JSON.stringify(result))
      expect([result.role, result.value?.value]).toEqual(['standby', counts.get(key)])
    },
    { timeout: 20_000 },
  )
  const strict = await other?.query({ ...request, requireActive: true })
  expect(strict?.partitions.get(partition)).toMatchObject({ ok: false, failure: 'NOT_ACTIVE' })
  expect(instance?.streamsMetadata.ofKey('counts', key).standbys).toEqual([other?.endpoint])
})
