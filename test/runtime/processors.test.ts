import { expect, test } from 'vitest'

import { type App, defineApp } from '../../src/dsl/define-app.ts'
import { keyValueStore } from '../../src/dsl/stores.ts'
import { nodePlatform } from '../../src/platform/node-platform.ts'
import { type Application, startApplication } from '../../src/runtime/application.ts'
import { string } from '../../src/serde/string.ts'
import type { ReadOnlyKeyValueStore } from '../../src/state/stores.ts'
import { CrashableEngine } from './crashable-engine.ts'
import { FakeLog } from './fake-log-client.ts'
import { produce, readText, record, temporaryFolder } from './testbed.ts'

/** Processors at work in a running application. */
const platform = nodePlatform()
const text = { key: string(), value: string() }
const never = 2 ** 30

async function newLog(topics: readonly string[]): Promise<FakeLog> {
  const log = new FakeLog(platform.timers)
  await log.client().createTopics(topics.map(name => ({ name, partitions: 1 })))
  return log
}

function start(
  app: App,
  log: FakeLog,
  stateFolder: string,
  options: { engine?: CrashableEngine; commitIntervalMs?: number } = {},
): Promise<Application> {
  const { engine = new CrashableEngine(), ...rest } = options
  return startApplication(app, { client: log.client(), platform, stateFolder, engine, ...rest })
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await platform.timers.yield()
}

test('the wall clock punctuates without input, and what comes of it is committed', async () => {
  const ticks = keyValueStore('ticks', text)
  const app = defineApp('ticking', builder => {
    const ticking = builder.stream('in', text).process(
      context => {
        const store = context.store(ticks)
        let n = 0
        context.schedule({ every: 1, type: 'wallClock' }, timestamp => {
          n++
          store.put('n', String(n))
          context.forward({ key: 'tick', value: String(n), timestamp, headers: [] })
        })
        return { process() {} }
      },
      { stores: [ticks] },
    )
    ticking.to('out', text)
  })
  const log = await newLog(['in'])
  using folder = temporaryFolder()
  await using application = await start(app, log, folder.path, { commitIntervalMs: 1 })
  await until(async () => (await readText(log.client(), 'out')).length > 2)
  expect((await readText(log.client(), 'out')).slice(0, 2)).toEqual(['tick=1', 'tick=2'])
  expect((await readText(log.client(), 'ticking-ticks-changelog')).length).toBeGreaterThan(0)
  expect(application.state).toBe('RUNNING')
})

test('a processor can have everything committed at once', async () => {
  const app = defineApp('committing', builder => {
    const committing = builder.stream('in', text).process(context => ({
      process(given) {
        context.forward(given)
        if (given.value === 'commit') context.commit()
      },
    }))
    committing.to('out', text)
  })
  const log = await newLog(['in'])
  using folder = temporaryFolder()
  await using application = await start(app, log, folder.path, { commitIntervalMs: never })
  await produce(log.client(), 'in', [record('a', 'wait'), record('a', 'commit')])
  await until(async () => (await readText(log.client(), 'out')).length === 2)
  expect(application.metrics().commits).toBe(1)
})

test.each([true, false])(
  'a global store comes back after a restart; in memory (%s) its topic is read anew',
  async inMemory => {
    const names = keyValueStore('names', { ...text, inMemory })
    let seen = 0
    const app = defineApp('global', builder => {
      builder.addGlobalStore(names, 'names', text, context => {
        const store = context.store(names)
        return {
          process({ key, value }) {
            seen++
            store.put(key, `${value}!`)
          },
        }
      })
      const named = builder.stream('in', text).processValues<string>(context => {
        const store = context.store(names)
        return {
          process: given =>
            context.forward(given.withValue(`${given.value} ${store.get(given.key)}`)),
        }
      })
      named.to('out', text)
    })
    const log = await newLog(['in', 'names'])
    await produce(log.client(), 'names', [record('a', 'Ada'), record('b', 'Bob')])
    const engine = new CrashableEngine()
    using folder = temporaryFolder()
    for (const [run, out] of [
      ['one', ['a=one Ada!']],
      ['two', ['a=one Ada!', 'a=two Ada!']],
    ] as const) {
      await produce(log.client(), 'in', [record('a', run)])
      await using application = await start(app, log, folder.path, { engine })
      await application.untilEnd()
      expect(await readText(log.client(), 'out')).toEqual(out)
      const queried = application.store<ReadOnlyKeyValueStore<string, string>>('names')
      expect(queried.get('b')?.value).toBe('Bob!')
    }
    expect(seen).toBe(inMemory ? 4 : 2)
  },
)
