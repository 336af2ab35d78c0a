import { describe, expect, test } from 'vitest'

import { defineApp } from '../../src/dsl/define-app.ts'
import type { OffsetReset } from '../../src/dsl/options.ts'
import { StreamsBuilder } from '../../src/dsl/streams-builder.ts'
import { nodePlatform } from '../../src/platform/node-platform.ts'
import { type Application, startApplication } from '../../src/runtime/application.ts'
import { string } from '../../src/serde/string.ts'
import { memoryEngine } from '../../src/state/memory-engine.ts'
import { FakeLog } from './fake-log-client.ts'
import { produce, readText, record, temporaryFolder } from './testbed.ts'

const text = { key: string(), value: string() }
const hour = 3_600_000
const platform = nodePlatform()

/** An application that copies a topic, which has three records: a day old, two hours old and new. */
async function begin(
  offsetReset: OffsetReset,
  stateFolder: string,
): Promise<{ log: FakeLog; application: Promise<Application> }> {
  const log = new FakeLog(platform.timers)
  const now = platform.clock.now()
  await log.client().createTopics([{ name: 'in' }, { name: 'out' }])
  for (const [value, timestamp] of [
    ['old', now - 24 * hour],
    ['older than an hour', now - 2 * hour],
    ['new', now],
  ] as const) {
    await produce(log.client(), 'in', [record('a', value, timestamp)])
  }
  const app = defineApp('app', builder => builder.stream('in', { ...text, offsetReset }).to('out'))
  const options = { client: log.client(), platform, stateFolder, engine: memoryEngine() }
  return { log, application: startApplication(app, { ...options, commitIntervalMs: 5 }) }
}

async function copied(log: FakeLog, application: Application): Promise<string[]> {
  await application.untilEnd()
  await produce(log.client(), 'in', [record('a', 'newest', platform.clock.now())])
  await application.untilEnd()
  return (await readText(log.client(), 'out')).map(text => text.slice('a='.length))
}

describe('without a committed offset a source begins', () => {
  test.each<[OffsetReset, string[]]>([
    ['earliest', ['old', 'older than an hour', 'new', 'newest']],
    ['latest', ['newest']],
    [{ ago: { hours: 3 } }, ['older than an hour', 'new', 'newest']],
    [{ ago: { minutes: 1 } }, ['new', 'newest']],
  ])('at %j', async (offsetReset, expected) => {
    using folder = temporaryFolder()
    const { log, application } = await begin(offsetReset, folder.path)
    await using running = await application
    expect(await copied(log, running)).toEqual(expected)
  })

  test('nowhere, if nobody may choose', async () => {
    using folder = temporaryFolder()
    const { application } = await begin('none', folder.path)
    await expect((await application).finished).rejects.toMatchObject({
      code: 'OFFSET_OUT_OF_RANGE',
      message:
        "The application has committed no offset for in-0, which begins at 0 and ends at 3, and its source has offsetReset 'none'. " +
        'Set the offset of the group, or choose another offsetReset.',
    })
  })
})

test('a topic is read from one place', () => {
  const builder = new StreamsBuilder()
  builder.stream('in', { ...text }).to('a')
  builder.stream('in', { key: text.key, value: text.value, offsetReset: 'latest' }).to('b')
  expect(() => builder.build('app')).toThrow('from different offsets')
})
