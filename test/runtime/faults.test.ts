import { describe, expect, test } from 'vitest'
import { defineApp } from '../../src/dsl/define-app.ts'
import type { ProcessingGuarantee, StreamsConfig } from '../../src/dsl/streams-config.ts'
import { MillraceError } from '../../src/errors.ts'
import { nodePlatform } from '../../src/platform/node-platform.ts'
import { RecordBatchBuilder } from '../../src/protocol/record-batch-builder.ts'
import { type Application, startApplication } from '../../src/runtime/application.ts'
import { decodeMemberData } from '../../src/runtime/member-data.ts'
import { json } from '../../src/serde/json.ts'
import { string } from '../../src/serde/string.ts'
import type { ReadOnlyKeyValueStore } from '../../src/state/stores.ts'
import { CrashableEngine } from './crashable-engine.ts'
import { FakeLog } from './fake-log-client.ts'
import { foldTopic, produce, readText, record, temporaryFolder } from './testbed.ts'

const platform = nodePlatform()
const text = { key: string(), value: string() }

const app = defineApp('app', builder => {
  builder.stream('in', text).groupByKey().count({ store: 'counts', value: json<number>() })
})

const input = Array.from({ length: 400 }, (_, i) => record(`key-${i % 5}`, `${i}`))
const naive = { 'key-0': 80, 'key-1': 80, 'key-2': 80, 'key-3': 80, 'key-4': 80 }

function start(
  log: FakeLog,
  engine: CrashableEngine,
  stateFolder: string,
  streamsConfig: StreamsConfig = {},
): Promise<Application> {
  const options = { client: log.client(), platform, stateFolder, engine, commitIntervalMs: 5 }
  return startApplication(app, { ...options, ...streamsConfig })
}

/** An application that has processed half of the input. */
async function begin(
  stateFolder: string,
  streamsConfig: StreamsConfig = {},
): Promise<{ log: FakeLog; engine: CrashableEngine; application: Application }> {
  const log = new FakeLog(platform.timers)
  const engine = new CrashableEngine()
  await log.client().createTopics([{ name: 'in' }])
  const application = await start(log, engine, stateFolder, streamsConfig)
  await produce(log.client(), 'in', input.slice(0, 200))
  await application.untilEnd()
  return { log, engine, application }
}

async function storeOf(application: Application): Promise<Record<string, number>> {
  const counts: Record<string, number> = {}
  const store = application.store<ReadOnlyKeyValueStore<string, number>>('counts')
  for await (const { key, value } of store.all()) counts[key] = value
  return counts
}

async function changelogOf(log: FakeLog): Promise<Record<string, number>> {
  const rows = await foldTopic(log.client(), 'app-counts-changelog')
  return Object.fromEntries(
    [...rows].map(([key, value]) => [Buffer.from(key, 'hex').toString(), Number(value.toString())]),
  )
}

const atLeastOnce = { processingGuarantee: 'atLeastOnce' } as const

/** What a former owner of the task does that does not know yet that it has lost it. */
function writeAsZombie(log: FakeLog): void {
  const builder = new RecordBatchBuilder()
  builder.append(Buffer.from('key-of-a-zombie'), Buffer.from('7'), 0, [])
  log.append({ topic: 'app-counts-changelog', partition: 0 }, builder.build())
}

describe('an application goes on', () => {
  test('after its group gave the tasks away behind its back', async () => {
    using folder = temporaryFolder()
    const { log, application } = await begin(folder.path)
    await using _ = application
    const group = log.group('app')
    const [member] = group.members
    expect(member).toBeDefined()
    // What it processes from here on it cannot commit: the generation is over.
    const evicted = member && group.evict(member)
    await produce(log.client(), 'in', input.slice(200))
    await evicted
    await application.untilEnd()
    expect(await storeOf(application)).toEqual(naive)
    expect(await changelogOf(log)).toEqual(naive)
  })

  test.each<ProcessingGuarantee>(['exactlyOnce', 'atLeastOnce'])(
    'when the commit is the first to learn that the tasks are gone, %s',
    async processingGuarantee => {
      using folder = temporaryFolder()
      const { log, application } = await begin(folder.path, { processingGuarantee })
      await using _ = application
      const group = log.group('app')
      const [member] = group.members
      group.supersede()
      await produce(log.client(), 'in', input.slice(200))
      while (application.state === 'RUNNING') await platform.timers.yield()
      expect(application.state).toBe('REBALANCING')
      await (member && group.evict(member))
      await application.untilEnd()
      const counts = await storeOf(application)
      expect(counts).toEqual(await changelogOf(log))
      if (processingGuarantee === 'exactlyOnce') expect(counts).toEqual(naive)
      // The changelog of the refused commit was written: at least once, and here twice.
      else
        for (const [key, count] of Object.entries(naive)) expect(counts[key]).toBeGreaterThan(count)
    },
  )

  test('after a store was found damaged: it is rebuilt from its changelog', async () => {
    using folder = temporaryFolder()
    const { log, engine, application: before } = await begin(folder.path)
    await before.close()
    let damaged = 0
    engine.damage = row => {
      if (damaged++ === 0) row.writeUInt8(row.readUInt8(row.length - 1) ^ 1, row.length - 1)
      return row
    }
    await using application = await start(log, engine, folder.path)
    await produce(log.client(), 'in', input.slice(200))
    await application.untilEnd()
    expect(damaged).toBeGreaterThan(0)
    expect(application.metrics().restored).toBeGreaterThan(0)
    expect(await storeOf(application)).toEqual(naive)
    expect(await changelogOf(log)).toEqual(naive)
  })

  test('after a store was found damaged, with no result written twice', async () => {
    using folder = temporaryFolder()
    const log = new FakeLog(platform.timers)
    const engine = new CrashableEngine()
    const client = log.client()
    await client.createTopics([{ name: 'in', partitions: 2 }, { name: 'out' }])
    const copying = defineApp('copying', builder => {
      const stream = builder.stream('in', text)
      stream.to('out')
      stream.groupByKey().count({ store: 'counts', value: json<number>() })
    })
    const options = { client, platform, stateFolder: folder.path, engine }
    const before = await startApplication(copying, options)
    await produce(client, 'in', input.slice(0, 200))
    await before.untilEnd()
    await before.close()
    let read = 0
    engine.damage = row => {
      // Records have gone out before it, of this task and of the other.
      if (++read === 4) row.writeUInt8(row.readUInt8(row.length - 1) ^ 1, row.length - 1)
      return row
    }
    await using application = await startApplication(copying, options)
    await produce(client, 'in', input.slice(200))
    await application.untilEnd()
    expect(read).toBeGreaterThan(4)
    expect(await storeOf(application)).toEqual(naive)
    const written = await readText(client, 'out')
    expect(written.toSorted()).toEqual(input.map(({ key, value }) => `${key}=${value}`).toSorted())
  })

  test('after a former owner wrote to a changelog: the store becomes its fold again', async () => {
    using folder = temporaryFolder()
    const { log, application } = await begin(folder.path, atLeastOnce)
    await using _ = application
    writeAsZombie(log)
    await produce(log.client(), 'in', input.slice(200))
    await application.untilEnd()
    while (application.state !== 'RUNNING') await platform.timers.yield()
    expect(await storeOf(application)).toEqual({ ...naive, 'key-of-a-zombie': 7 })
    expect(await changelogOf(log)).toEqual({ ...naive, 'key-of-a-zombie': 7 })
  })

  test('after a former owner wrote to a changelog that was still empty', async () => {
    using folder = temporaryFolder()
    const log = new FakeLog(platform.timers)
    await log.client().createTopics([{ name: 'in' }])
    const engine = new CrashableEngine()
    await using application = await start(log, engine, folder.path, atLeastOnce)
    while (application.state !== 'RUNNING') await platform.timers.yield()
    writeAsZombie(log)
    await produce(log.client(), 'in', input)
    await application.untilEnd()
    while (application.state !== 'RUNNING') await platform.timers.yield()
    expect(await storeOf(application)).toEqual({ ...naive, 'key-of-a-zombie': 7 })
    expect(await changelogOf(log)).toEqual({ ...naive, 'key-of-a-zombie': 7 })
  })

  test('with a task that comes back after others wrote to its changelog: it restores that once', async () => {
    using folder = temporaryFolder()
    const { log, application } = await begin(folder.path, atLeastOnce)
    await using _ = application
    const group = log.group('app')
    const [member] = group.members
    writeAsZombie(log)
    await (member && group.evict(member))
    while (application.state !== 'RUNNING') await platform.timers.yield()
    // The first commit does not change the store: a record without a key is not counted.
    await produce(log.client(), 'in', [record(null, 'x')])
    await application.untilEnd()
    await produce(log.client(), 'in', input.slice(200))
    await application.untilEnd()
    while (application.state !== 'RUNNING') await platform.timers.yield()
    expect(application.metrics().restored).toBe(1)
    expect(await storeOf(application)).toEqual({ ...naive, 'key-of-a-zombie': 7 })
  })

  test('after a store was found damaged by what a cache hands on with a commit', async () => {
    using folder = temporaryFolder()
    const log = new FakeLog(platform.timers)
    const engine = new CrashableEngine()
    const client = log.client()
    await client.createTopics([{ name: 'in', partitions: 2 }, { name: 'out' }])
    const app = defineApp('cached', builder => {
      const table = builder.table('in', { ...text, store: 'latest' })
      // What the cache hands on is counted at once: how often depends on the commits.
      const updates = table.toStream().groupByKey()
      const touched = updates.aggregate(
        () => '',
        key => `<${key}>`,
        { store: 'touched', value: string(), caching: false },
      )
      touched.toStream().to('out')
    })
    const options = { client, platform, stateFolder: folder.path, engine, cacheMaxBytes: 1_000_000 }
    const before = await startApplication(app, options)
    await produce(client, 'in', input.slice(0, 200))
    await before.untilEnd()
    await before.close()
    let damaged = 0
    engine.damage = row => {
      const isTouched = row.toString('latin1').endsWith('>')
      if (isTouched && damaged++ === 0)
        row.writeUInt8(row.readUInt8(row.length - 1) ^ 1, row.length - 1)
      return row
    }
    await using application = await startApplication(app, options)
    await produce(client, 'in', input.slice(200))
    await application.untilEnd()
    expect(damaged).toBeGreaterThan(0)
    expect(application.metrics().restored).toBeGreaterThan(0)
    const rows: Record<string, unknown> = {}
    const store = application.store<ReadOnlyKeyValueStore<string, string>>('touched')
    for await (const { key, value } of store.all()) rows[key] = value
    expect(rows).toEqual(Object.fromEntries(input.map(({ key }) => [key, `<${key}>`])))
  })
  test('after a store was found damaged by a commit: it is rebuilt from its changelog', async () => {
    using folder = temporaryFolder()
    const { log, engine, application } = await begin(folder.path)
    await using _ = application
    let faults = 0
    engine.fault = () => {
      if (faults++ === 0) throw new MillraceError('TASK_CORRUPTED', 'A row is not what it was.')
    }
    await produce(log.client(), 'in', input.slice(200))
    await application.untilEnd()
    while (application.state !== 'RUNNING') await platform.timers.yield()
    expect(faults).toBeGreaterThan(0)
    expect(application.metrics().restored).toBeGreaterThan(0)
    expect(await storeOf(application)).toEqual(naive)
    expect(await changelogOf(log)).toEqual(naive)
  })

  test('when it comes back after a global table was found damaged, which stops it', async () => {
    using folder = temporaryFolder()
    const log = new FakeLog(platform.timers)
    const engine = new CrashableEngine()
    const client = log.client()
    await client.createTopics([{ name: 'in' }, { name: 'rates' }, { name: 'out' }])
    await produce(client, 'rates', [record('EUR', '1.1')])
    const convert = defineApp('convert', builder => {
      const rates = builder.globalTable('rates', text)
      builder
        .stream('in', text)
        .join(
          rates,
          (_, currency) => currency,
          (currency, rate) => `${currency} ${rate}`,
        )
        .to('out', text)
    })
    const options = { client, platform, stateFolder: folder.path, engine }
    await (await startApplication(convert, options)).close()
    engine.damage = row => {
      row.writeUInt8(row.readUInt8(row.length - 1) ^ 1, row.length - 1)
      return row
    }
    await produce(client, 'in', [record('a', 'EUR')])
    const broken = await startApplication(convert, options)
    await expect(broken.finished).rejects.toMatchObject({ code: 'CORRUPT_DATA' })
    engine.damage = row => row
    await using application = await startApplication(convert, options)
    expect(await application.untilEnd()).toMatchObject({ emitted: 1 })
    expect(await readText(client, 'out')).toEqual(['a=EUR 1.1'])
  })

  test('with the tasks it had, as far as the balance allows', async () => {
    using folder = temporaryFolder()
    const log = new FakeLog(platform.timers)
    const client = log.client()
    await client.createTopics([{ name: 'in', partitions: 4 }])
    const engine = new CrashableEngine()
    await using application = await startApplication(app, {
      client,
      platform,
      stateFolder: folder.path,
      engine,
    })
    while (application.state !== 'RUNNING') await platform.timers.yield()
    const [member] = log.group('app').members
    const said = decodeMemberData(member?.options.userData ?? Buffer.alloc(0))
    expect(said.owned).toEqual(['0_0', '0_1', '0_2', '0_3'])
    await member?.options.lost()
    expect(decodeMemberData(member?.options.userData ?? Buffer.alloc(0)).owned).toEqual([])
  })
})
