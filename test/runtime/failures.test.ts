import { describe, expect, test } from 'vitest'
import { type App, defineApp } from '../../src/dsl/define-app.ts'
import { MillraceError } from '../../src/errors.ts'
import { nodePlatform } from '../../src/platform/node-platform.ts'
import { startApplication } from '../../src/runtime/application.ts'
import { json } from '../../src/serde/json.ts'
import { string } from '../../src/serde/string.ts'
import type { ReadOnlyKeyValueStore } from '../../src/state/stores.ts'
import { CrashableEngine } from './crashable-engine.ts'
import { FakeLog } from './fake-log-client.ts'
import { produce, record, temporaryFolder } from './testbed.ts'

const platform = nodePlatform()
const text = { key: string(), value: string() }

/** Reads and processes; `seen` is called for each record. */
function reading(seen: (value: string) => void): App {
  return defineApp('app', builder => {
    builder
      .stream('in', text)
      .peek((_, value) => seen(value))
      .groupByKey()
      .count({ store: 'counts' })
  })
}

const anyError = (): void => {
  throw new Error('no such thing')
}

describe('an application fails', () => {
  test('when a global table cannot be read on, even while it is still starting', async () => {
    using folder = temporaryFolder()
    const log = new FakeLog(platform.timers)
    await log.client().createTopics([{ name: 'rates' }, { name: 'in' }])
    const app = defineApp('convert', builder => {
      builder.globalTable('rates', { key: string(), value: json<number>(), store: 'rates' })
      builder.stream('in', text).foreach(() => {})
    })
    const client = log.client()
    const producer = client.transactionalProducer.bind(client)
    client.transactionalProducer = async options => {
      await produce(log.client(), 'rates', [record('EUR', 'not a number')])
      for (let i = 0; i < 50; i++) await platform.timers.yield()
      return producer(options)
    }
    const engine = new CrashableEngine()
    const options = { client, platform, stateFolder: folder.path, engine }
    const application = await startApplication(app, options)
    await expect(application.finished).rejects.toMatchObject({
      code: 'SERDE_ERROR',
      message: expect.stringMatching(/topic rates, partition 0, offset 0/),
    })
    expect(application.state).toBe('ERROR')
  })

  test('when the rows of a global table cannot be written, and reads them anew the next time', async () => {
    using folder = temporaryFolder()
    const log = new FakeLog(platform.timers)
    const client = log.client()
    await client.createTopics([{ name: 'rates' }, { name: 'in' }])
    await produce(client, 'rates', [record('EUR', '1.1')])
    const app = defineApp('convert', builder => {
      builder.globalTable('rates', { ...text, store: 'rates' })
      builder.stream('in', text).foreach(() => {})
    })
    const engine = new CrashableEngine()
    const options = { client, platform, stateFolder: folder.path, engine }
    const application = await startApplication(app, options)
    engine.fault = name => {
      if (name !== 'global') return
      throw new MillraceError('TASK_CORRUPTED', 'A row is not what it was.')
    }
    await produce(client, 'rates', [record('CHF', '0.9')])
    await expect(application.finished).rejects.toMatchObject({ code: 'TASK_CORRUPTED' })
    engine.fault = () => {}
    // That the row is gone shows that the table was wiped: the log has it no more.
    await client.deleteRecords([{ topic: 'rates', partition: 0, offset: 1 }])
    await using next = await startApplication(app, options)
    const rates = next.store<ReadOnlyKeyValueStore<string, string>>('rates')
    expect(rates.get('EUR')).toBeUndefined()
    expect(rates.get('CHF')?.value).toBe('0.9')
  })

  test('and closes all stores, although some cannot be closed, and tells the first error', async () => {
    using folder = temporaryFolder()
    const log = new FakeLog(platform.timers)
    const client = log.client()
    await client.createTopics([{ name: 'in', partitions: 3 }])
    const engine = new CrashableEngine()
    engine.closeFault = name => {
      if (name !== '0_2') throw new MillraceError('FILE_ERROR', 'There is no space left.')
    }
    const options = { client, platform, stateFolder: folder.path, engine }
    const application = await startApplication(reading(anyError), options)
    while (application.state !== 'RUNNING') await platform.timers.yield()
    expect(engine.opened).toEqual(['0_0', '0_1', '0_2'])
    await produce(client, 'in', [record('a', 'x')])
    await expect(application.finished).rejects.toMatchObject({ code: 'PROCESSING_ERROR' })
    expect(engine.opened).toEqual([])
  })

  test('when its listener throws, and closes everything', async () => {
    using folder = temporaryFolder()
    const log = new FakeLog(platform.timers)
    const client = log.client()
    await client.createTopics([{ name: 'in' }])
    const engine = new CrashableEngine()
    const options = { client, platform, stateFolder: folder.path, engine }
    const application = await startApplication(
      reading(() => {}),
      { ...options, onState: anyError },
    )
    await expect(application.finished).rejects.toThrow('no such thing')
    expect(application.state).toBe('ERROR')
    expect(engine.opened).toEqual([])
    await using next = await startApplication(
      reading(() => {}),
      options,
    )
    expect(next.state).toBe('REBALANCING')
  })

  test('or not, when its listener throws while it is closed', async () => {
    using folder = temporaryFolder()
    const log = new FakeLog(platform.timers)
    const client = log.client()
    await client.createTopics([{ name: 'in' }])
    const application = await startApplication(
      reading(() => {}),
      {
        client,
        platform,
        stateFolder: folder.path,
        engine: new CrashableEngine(),
        onState: state => {
          if (state === 'PENDING_SHUTDOWN' || state === 'NOT_RUNNING') anyError()
        },
      },
    )
    await application.close()
    expect(application.state).toBe('NOT_RUNNING')
  })
})
