import { describe, expect, test } from 'vitest'
import { defineApp } from '../../src/dsl/define-app.ts'
import { nodePlatform } from '../../src/platform/node-platform.ts'
import { startApplication } from '../../src/runtime/application.ts'
import { json } from '../../src/serde/json.ts'
import { string } from '../../src/serde/string.ts'
import { CrashableEngine } from './crashable-engine.ts'
import { FakeLog } from './fake-log-client.ts'
import { produce, record, temporaryFolder } from './testbed.ts'

const platform = nodePlatform()
const text = { key: string(), value: string() }

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
    const producer = client.producer.bind(client)
    client.producer = async () => {
      await produce(log.client(), 'rates', [record('EUR', 'not a number')])
      for (let i = 0; i < 50; i++) await platform.timers.yield()
      return producer()
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
})
