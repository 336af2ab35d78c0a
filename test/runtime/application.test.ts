import { describe, expect, test } from 'vitest'
import { defineApp } from '../../src/dsl/define-app.ts'
import { nodePlatform } from '../../src/platform/node-platform.ts'
import { startApplication } from '../../src/runtime/application.ts'
import { string } from '../../src/serde/string.ts'
import { FakeLog } from './fake-log-client.ts'
import { produce, readText, record, temporaryFolder } from './testbed.ts'

const platform = nodePlatform()
const text = { key: string(), value: string() }

const shout = defineApp('shout', builder => {
  builder
    .stream('in', text)
    .filter((_, value) => value !== 'no')
    .mapValues(value => value.toUpperCase())
    .to('out', text)
})

describe('a stateless application', () => {
  test('processes its input to the end, commits and goes on where it stopped', async () => {
    using folder = temporaryFolder()
    const client = new FakeLog(platform.timers).client()
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
    expect(await readText(client, 'out')).toEqual(expect.arrayContaining(['a=X', 'c=Y', 'd=Z']))
  })
})
