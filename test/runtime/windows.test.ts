import { expect, test } from 'vitest'

import {
  type ReadOnlySessionStore,
  calendar,
  defineApp,
  hopping,
  sessions,
  sliding,
  string,
} from '../../src/index.ts'
import { nodePlatform } from '../../src/platform/node-platform.ts'
import { startApplication } from '../../src/runtime/application.ts'
import { TestDriver } from '../../src/testing/index.ts'
import { logs } from './logs.ts'
import { produce, readText, record, temporaryFolder } from './testbed.ts'

const text = { key: string(), value: string() }
const hourMs = 3_600_000
const retention = { days: 30 }

const named = ({ key, window }: { key: string; window: { start: number; end: number } }): string =>
  `${key} ${window.start}-${window.end}`

/** One result for each window, as it closes; and days and visits as they are. */
const app = defineApp('windows', builder => {
  const grouped = builder.stream('in', text).groupByKey()
  grouped
    .windowedBy(hopping({ hours: 2 }, { advance: { hours: 1 } }))
    .emitStrategy('onWindowClose')
    .reduce((all, value) => `${all} ${value}`, { store: 'hops', retention })
    .toStream()
    .selectKey(named)
    .to('hopping', text)
  grouped
    .windowedBy(sliding({ hours: 1 }, { grace: { minutes: 30 } }))
    .emitStrategy('onWindowClose')
    .reduce((all, value) => `${all} ${value}`, { store: 'slides', retention })
    .toStream()
    .selectKey(named)
    .to('sliding', text)
  grouped
    .windowedBy(sessions({ minutes: 50 }))
    .emitStrategy('onWindowClose')
    .reduce((all, value) => `${all} ${value}`, { store: 'visits', retention })
    .toStream()
    .selectKey(named)
    .to('sessions', text)
  grouped
    .windowedBy(calendar('day', { timeZone: 'America/New_York', grace: { hours: 3 } }))
    .reduce((all, value) => `${all} ${value}`, { store: 'days' })
    .toStream()
    .selectKey(named)
    .to('days', text)
})
const outputs = ['hopping', 'sliding', 'sessions', 'days']

/** Five days over a change of the clocks, often a bit late, now and then too late. */
const start = Date.parse('2026-10-30T00:00:00Z')
const records = Array.from({ length: 300 }, (_, i) => {
  const late = i % 5 === 0 ? hourMs : i % 37 === 0 ? 9 * hourMs : 0
  return record(`key-${i % 3}`, `${i}`, start + i * 0.4 * hourMs - Math.min(late, i * 0.4 * hourMs))
})

test.each(logs)(
  'windows close once, wherever the application goes on, on %s',
  async (_, openLog) => {
    await using log = await openLog()
    const client = log.client()
    await client.createTopics(['in', ...outputs].map(name => ({ name, partitions: 1 })))
    const driver = new TestDriver(app)
    using kept = temporaryFolder()
    for (const [round, until] of [70, 140, 141, 220, 300].entries()) {
      const before = [0, 70, 140, 141, 220][round]
      const some = records.slice(before, until)
      await produce(client, 'in', some)
      for (const { key, value, timestamp } of some) {
        driver.inputTopic('in', text).pipe(key, value ?? '', { timestamp })
      }
      // Every other time on a machine without stores.
      using fresh = temporaryFolder()
      const stateFolder = round % 2 === 0 ? kept.path : fresh.path
      await using application = await startApplication(app, {
        client,
        platform: nodePlatform(),
        stateFolder,
        // Else several updates of one commit are one.
        cacheMaxBytes: 0,
      })
      await application.untilEnd()
      const visits = application.store<ReadOnlySessionStore<string, string>>('visits')
      const found: string[] = []
      for await (const { key, start: first, end } of visits.all())
        found.push(`${key} ${first}-${end}`)
      const expected = driver.sessionStore<string, string>('visits').rows()
      expect(found).toEqual(expected.map(({ key, start: first, end }) => `${key} ${first}-${end}`))
    }
    for (const output of outputs) {
      const expected = driver.outputTopic(output, text).readAll()
      expect(expected.length).toBeGreaterThan(50)
      expect(await readText(client, output)).toEqual(
        expected.map(({ key, value }) => `${key}=${value}`),
      )
    }
  },
)
