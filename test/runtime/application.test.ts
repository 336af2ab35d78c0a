import { describe, expect, test } from 'vitest'
import { type App, defineApp } from '../../src/dsl/define-app.ts'
import { nodePlatform } from '../../src/platform/node-platform.ts'
import type { Application } from '../../src/runtime/application.ts'
import { startApplication } from '../../src/runtime/application.ts'
import { json } from '../../src/serde/json.ts'
import { string } from '../../src/serde/string.ts'
import type { ReadOnlyKeyValueStore, ReadOnlyWindowStore } from '../../src/state/stores.ts'
import { tumbling } from '../../src/windowing/time-windows.ts'
import { logs } from './logs.ts'
import {
  type TestRecord,
  foldTopic,
  produce,
  readText,
  record,
  temporaryFolder,
} from './testbed.ts'

const platform = nodePlatform()
const text = { key: string(), value: string() }

const shout = defineApp('shout', builder => {
  builder
    .stream('in', text)
    .filter((_, value) => value !== 'no')
    .mapValues(value => value.toUpperCase())
    .to('out', text)
})

/** Counts values, so that records change their partition on the way. `seen` is called for each input record. */
function countValues(seen: () => void = () => {}): App {
  return defineApp('counts', builder => {
    builder
      .stream('in', text)
      .peek(seen)
      .groupBy((_, value) => value, text)
      .count({ store: 'counts', key: string(), value: json<number>() })
      .toStream()
      .to('out', { key: string(), value: json<number>() })
  })
}

function countDays(): App {
  return defineApp('days', builder => {
    builder
      .stream('in', text)
      .groupBy((_, value) => value, text)
      .windowedBy(tumbling({ days: 1 }, { grace: { days: 100 } }))
      .count({ store: 'days', key: string(), value: json<number>() })
  })
}

/** `n` records over many keys and few values, in the order of a shuffled pack. */
function pack(n: number): TestRecord[] {
  return Array.from({ length: n }, (_, i) => {
    const at = (i * 7919) % n
    return record(`key-${at % 97}`, `value-${at % 13}`, at * 3_600_000)
  })
}

function naiveCounts(records: readonly TestRecord[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { value } of records) counts[`${value}`] = (counts[`${value}`] ?? 0) + 1
  return counts
}

async function countsOf(applications: readonly Application[]): Promise<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const application of applications) {
    const store = application.store<ReadOnlyKeyValueStore<string, number>>('counts')
    for await (const { key, value } of store.all()) {
      expect(counts).not.toHaveProperty(key)
      counts[key] = value
    }
  }
  return counts
}

/** Resolves when the application is in the state. */
async function reaches(application: Application, state: Application['state']): Promise<void> {
  while (application.state !== state) await platform.timers.yield()
}

describe.each(logs)('an application on %s', (_, openLog) => {
  test('processes its input to the end, commits and goes on where it stopped', async () => {
    using folder = temporaryFolder()
    await using log = await openLog()
    const client = log.client()
    await client.createTopics([{ name: 'in', partitions: 2 }, { name: 'out' }])
    await produce(client, 'in', [record('a', 'x'), record('b', 'no'), record('c', 'y')])
    const options = { client, platform, stateFolder: folder.path }
    {
      await using application = await startApplication(shout, options)
      expect(await application.untilEnd()).toMatchObject({ processed: 3, emitted: 2 })
    }
    await produce(client, 'in', [record('d', 'z')])
    {
      await using application = await startApplication(shout, options)
      expect(await application.untilEnd()).toMatchObject({ processed: 1, emitted: 1 })
    }
    expect((await readText(client, 'out')).sort()).toEqual(['a=X', 'c=Y', 'd=Z'])
  })

  test('counts across a repartition topic; the store is the fold of its changelog', async () => {
    using folder = temporaryFolder()
    await using log = await openLog()
    const client = log.client()
    await client.createTopics([{ name: 'in', partitions: 3 }, { name: 'out' }])
    const records = pack(2000)
    await produce(client, 'in', records)
    await using application = await startApplication(countValues(), {
      client,
      platform,
      stateFolder: folder.path,
      cacheMaxBytes: 0,
    })
    const progress = await application.untilEnd()
    expect(progress).toMatchObject({ processed: 2000, emitted: 2000, dropped: 0 })
    const counts = await countsOf([application])
    expect(counts).toEqual(naiveCounts(records))
    const changelog = await foldTopic(client, 'counts-counts-changelog')
    const folded = [...changelog].map(([key, value]) => [
      Buffer.from(key, 'hex').toString(),
      JSON.parse(value.toString()),
    ])
    expect(Object.fromEntries(folded)).toEqual(counts)
    const topics = await client.describeTopics(['counts-counts-changelog'])
    expect(topics.get('counts-counts-changelog')?.partitions).toBe(3)
  })

  test('a bounded run with nothing left to do ends with its stores open', async () => {
    using folder = temporaryFolder()
    await using log = await openLog()
    const client = log.client()
    await client.createTopics([{ name: 'in', partitions: 3 }, { name: 'out' }])
    const records = pack(100)
    await produce(client, 'in', records)
    const options = { client, platform, stateFolder: folder.path }
    for (const processed of [100, 0]) {
      await using application = await startApplication(countValues(), options)
      expect(await application.untilEnd()).toMatchObject({ processed })
      expect(await countsOf([application])).toEqual(naiveCounts(records))
    }
  })

  test('a clean stop in the middle neither loses nor doubles', async () => {
    using folder = temporaryFolder()
    await using log = await openLog()
    const client = log.client()
    await client.createTopics([{ name: 'in', partitions: 3 }, { name: 'out' }])
    const records = pack(3000)
    await produce(client, 'in', records)
    const options = { client, platform, stateFolder: folder.path }
    let processed = 0
    for (const stopAfter of [700, 1500]) {
      let closed: Promise<void> | undefined
      const seen = (): void => {
        if (++processed === stopAfter) closed = application.close()
      }
      const application = await startApplication(countValues(seen), options)
      await application.untilEnd()
      await closed
      expect(application.state).toBe('NOT_RUNNING')
      expect(processed).toBeGreaterThanOrEqual(stopAfter)
      expect(processed).toBeLessThan(3000)
    }
    await using application = await startApplication(countValues(), options)
    expect((await application.untilEnd()).processed).toBe(3000 - processed)
    expect(await countsOf([application])).toEqual(naiveCounts(records))
  })

  test('windowed counts equal the naive fold', async () => {
    using folder = temporaryFolder()
    await using log = await openLog()
    const client = log.client()
    await client.createTopics([{ name: 'in', partitions: 2 }])
    const records = pack(1000)
    await produce(client, 'in', records)
    await using application = await startApplication(countDays(), {
      client,
      platform,
      stateFolder: folder.path,
    })
    await application.untilEnd()
    const expected: Record<string, number> = {}
    const dayMs = 86_400_000
    for (const { value, timestamp } of records) {
      const window = `${value}@${timestamp - (timestamp % dayMs)}`
      expected[window] = (expected[window] ?? 0) + 1
    }
    const found: Record<string, number> = {}
    const store = application.store<ReadOnlyWindowStore<string, number>>('days')
    for await (const { key, windowStart, value } of store.all()) {
      found[`${key}@${windowStart}`] = value
    }
    expect(found).toEqual(expected)
    expect(store.fetch('value-3', dayMs)?.value).toBe(expected[`value-3@${dayMs}`])
  })

  test('joins a global table and a table', async () => {
    using folder = temporaryFolder()
    await using log = await openLog()
    const client = log.client()
    await client.createTopics([
      { name: 'orders', partitions: 2 },
      { name: 'users', partitions: 2 },
      { name: 'rates', partitions: 3 },
      { name: 'out' },
    ])
    const enrich = defineApp('enrich', builder => {
      const rates = builder.globalTable('rates', { ...text, store: 'rates' })
      const users = builder.table('users', { ...text, store: 'users' })
      builder
        .stream('orders', text)
        .join(users, (order, user) => `${order} of ${user}`)
        .join(
          rates,
          (_, order) => order.slice(0, 3),
          (order, rate) => `${order} at ${rate}`,
        )
        .to('out', text)
    })
    await produce(client, 'rates', [record('EUR', '1.1'), record('CHF', '0.9')])
    await produce(client, 'users', [record('u1', 'Ann', 1), record('u2', 'Ben', 1)])
    await produce(client, 'orders', [
      record('u1', 'EUR 5', 2),
      record('u2', 'CHF 7', 2),
      record('u3', 'EUR 1', 2),
    ])
    const options = { client, platform, stateFolder: folder.path }
    {
      await using application = await startApplication(enrich, options)
      await application.untilEnd()
      const rates = application.store<ReadOnlyKeyValueStore<string, string>>('rates')
      expect(rates.get('EUR')?.value).toBe('1.1')
    }
    await produce(client, 'rates', [record('EUR', '1.2')])
    await produce(client, 'orders', [record('u1', 'EUR 6', 3)])
    {
      await using application = await startApplication(enrich, options)
      await application.untilEnd()
    }
    expect((await readText(client, 'out')).sort()).toEqual([
      'u1=EUR 5 of Ann at 1.1',
      'u1=EUR 6 of Ann at 1.2',
      'u2=CHF 7 of Ben at 0.9',
    ])
  })

  test('two instances share the tasks; when one leaves, the other takes its tasks with their state', async () => {
    using first = temporaryFolder()
    using second = temporaryFolder()
    await using log = await openLog()
    const client = log.client()
    await client.createTopics([{ name: 'in', partitions: 4 }, { name: 'out' }])
    const records = pack(2000)
    await produce(client, 'in', records.slice(0, 1000))
    const common = { platform, commitIntervalMs: 20 }
    const a = await startApplication(countValues(), {
      ...common,
      client: log.client(),
      stateFolder: first.path,
    })
    await a.untilEnd()
    const b = await startApplication(countValues(), {
      ...common,
      client: log.client(),
      stateFolder: second.path,
    })
    await reaches(b, 'RUNNING')
    await reaches(a, 'RUNNING')
    await produce(client, 'in', records.slice(1000))
    await Promise.all([a.untilEnd(), b.untilEnd()])
    expect(await countsOf([a, b])).toEqual(naiveCounts(records))
    expect(b.metrics().restored).toBeGreaterThan(0)
    expect(a.metrics().processed + b.metrics().processed).toBe(2000)
    expect(b.metrics().processed).toBeGreaterThan(0)
    await Promise.all([a.close(), reaches(b, 'REBALANCING')])
    await reaches(b, 'RUNNING')
    expect(await countsOf([b])).toEqual(naiveCounts(records))
    await b.close()
  })

  test('state that is gone is restored from the changelog', async () => {
    using first = temporaryFolder()
    using second = temporaryFolder()
    await using log = await openLog()
    const client = log.client()
    await client.createTopics([{ name: 'in', partitions: 2 }, { name: 'out' }])
    const records = pack(500)
    await produce(client, 'in', records)
    for (const stateFolder of [first.path, second.path]) {
      await using application = await startApplication(countValues(), {
        client,
        platform,
        stateFolder,
      })
      await application.untilEnd()
      await reaches(application, 'RUNNING')
      expect(await countsOf([application])).toEqual(naiveCounts(records))
      expect(application.metrics().restored > 0).toBe(stateFolder === second.path)
    }
  })

  test('a missing input topic is named before anything starts', async () => {
    using folder = temporaryFolder()
    await using log = await openLog()
    const options = { client: log.client(), platform, stateFolder: folder.path }
    await expect(startApplication(shout, options)).rejects.toMatchObject({
      code: 'MISSING_TOPIC',
      message: expect.stringMatching(/'in'/),
    })
  })

  test('an error of the user’s function stops the application and tells where', async () => {
    using folder = temporaryFolder()
    await using log = await openLog()
    const client = log.client()
    await client.createTopics([{ name: 'in' }, { name: 'out' }])
    await produce(client, 'in', [record('a', 'x')])
    const states: string[] = []
    const broken = countValues(() => {
      throw new Error('no such thing')
    })
    const application = await startApplication(broken, {
      client,
      platform,
      stateFolder: folder.path,
      onState: state => states.push(state),
    })
    await expect(application.finished).rejects.toMatchObject({
      code: 'PROCESSING_ERROR',
      message: expect.stringMatching(/topic in, partition 0, offset 0/),
    })
    await expect(application.untilEnd()).rejects.toMatchObject({ code: 'PROCESSING_ERROR' })
    expect(states.slice(-2)).toEqual(['PENDING_ERROR', 'ERROR'])
    await application.close()
  })
})

describe('an application', () => {
  test('refuses a state folder that another instance uses, and a store it does not have', async () => {
    using folder = temporaryFolder()
    const [, openLog] = logs[0] ?? []
    await using log = await openLog?.()
    const client = log?.client()
    if (client === undefined) throw new Error('no log')
    await client.createTopics([{ name: 'in' }, { name: 'out' }])
    const options = { client, platform, stateFolder: folder.path }
    await using application = await startApplication(shout, options)
    await expect(startApplication(shout, options)).rejects.toMatchObject({ code: 'FOLDER_LOCKED' })
    expect(() => application.store('counts')).toThrow(
      expect.objectContaining({ code: 'UNKNOWN_STORE' }),
    )
  })
})
