import { expect, test } from 'vitest'

import type { App, AppOptions, AsyncCall } from '../../src/index.ts'
import { defineApp, logAndFail, long, string } from '../../src/index.ts'
import { pause } from '../../src/runtime/pause.ts'
import { startApplication } from '../../src/runtime/application.ts'
import { type SimulatedLog, simulatedLog } from './simulated-log.ts'
import { produce, readAll, readText, record, type TestRecord } from './testbed.ts'

/** Calls of virtual length in an application as it runs in production, but for the time. */
const text = { key: string(), value: string() }

const input = (count: number, keys: number): TestRecord[] =>
  Array.from({ length: count }, (_, at) => record(`k${at % keys}`, `${at}`, at))

async function withInput(records: readonly TestRecord[], partitions = 2): Promise<SimulatedLog> {
  const log = await simulatedLog()
  const topics = [{ name: 'in', partitions }, { name: 'out', partitions }, { name: 'dead' }]
  await log.run(log.client.createTopics(topics))
  await log.run(produce(log.client, 'in', records))
  return log
}

/** Asks somebody about each value. */
const asking = (
  answer: (value: string, call: AsyncCall) => string | Promise<string>,
  options: { concurrency?: number; retries?: number; timeoutMs?: number } = {},
  appOptions: AppOptions = {},
): App =>
  defineApp(
    'asking',
    builder => {
      const answers = builder
        .stream('in', text)
        .mapValuesAsync((value, _, call) => answer(value, call), options)
      answers.to('out', text)
    },
    appOptions,
  )

async function valuesByKey(log: SimulatedLog, topic = 'out'): Promise<Record<string, string[]>> {
  const values: Record<string, string[]> = {}
  for (const { key, value } of await log.run(readAll(log.client, topic))) {
    ;(values[String(key)] ??= []).push(String(value))
  }
  return values
}

const expected = (records: readonly TestRecord[]): Record<string, string[]> => {
  const values: Record<string, string[]> = {}
  for (const { key, value } of records) (values[String(key)] ??= []).push(`${value}!`)
  return values
}

/** Of each partition; 0 where nothing is committed yet. */
async function committed(log: SimulatedLog): Promise<number[]> {
  const partitions = [0, 1].map(partition => ({ topic: 'in', partition }))
  const offsets = await log.run(log.client.committedOffsets('asking', partitions))
  return [0, 1].map(each => offsets.find(({ partition }) => partition === each)?.offset ?? 0)
}

test('calls run side by side, and results keep the order of each key', async () => {
  const records = input(300, 20)
  const log = await withInput(records)
  let running = 0
  let most = 0
  const app = asking(
    async value => {
      most = Math.max(most, ++running)
      await pause(log.platform.timers, (Number(value) * 37) % 20)
      running--
      return `${value}!`
    },
    { concurrency: 4 },
  )
  const application = await log.run(startApplication(app, log.options))
  await log.run(application.untilEnd())
  await log.run(application.close())
  expect(await valuesByKey(log)).toEqual(expected(records))
  expect(most).toBe(8)
})

test('nothing is committed that has not ended, however long that takes', async () => {
  const records = input(40, 10)
  const log = await withInput(records)
  const held = Promise.withResolvers<void>()
  const begun = new Set<string>()
  const app = asking(async value => {
    begun.add(value)
    if (value === '7') await held.promise
    return `${value}!`
  })
  const application = await log.run(startApplication(app, { ...log.options, commitIntervalMs: 10 }))
  await log.until(() => begun.has('7'))
  await log.pass(1000)
  const before = await committed(log)
  const inLog = await log.run(readAll(log.client, 'in'))
  const place = inLog.find(({ value }) => String(value) === '7')
  expect(before[place?.partition ?? 0]).toBeLessThanOrEqual(place?.offset ?? -1)
  held.resolve()
  await log.run(application.untilEnd())
  const after = await committed(log)
  expect(after.reduce((sum, offset) => sum + offset, 0)).toBe(40)
  await log.run(application.close())
  expect(await valuesByKey(log)).toEqual(expected(records))
})

test('closing waits for calls, and nothing is done again', async () => {
  const records = input(30, 30)
  const log = await withInput(records)
  let calls = 0
  const app = asking(async value => {
    calls++
    await pause(log.platform.timers, 500)
    return `${value}!`
  })
  const application = await log.run(startApplication(app, log.options))
  await log.until(() => calls > 20)
  await log.run(application.close())
  const before = calls
  const next = await log.run(startApplication(app, log.options))
  await log.run(next.untilEnd())
  await log.run(next.close())
  expect(calls - before).toBe(30 - before)
  expect(await valuesByKey(log)).toEqual(expected(records))
})

test('closing gives calls up that do not end; the next instance makes them again', async () => {
  const records = input(10, 10)
  const log = await withInput(records)
  let lives = 1
  const aborted: unknown[] = []
  const app = asking(
    async (value, { signal }) => {
      if (value !== '3' || lives > 1) return `${value}!`
      return new Promise<string>(resolve => {
        signal.addEventListener('abort', () => {
          aborted.push(signal.reason)
          // A late answer that must not be written beside that of the next instance.
          resolve('too late')
        })
      })
    },
    { timeoutMs: Infinity },
  )
  const application = await log.run(startApplication(app, log.options))
  await log.until(() => application.state === 'RUNNING')
  await log.pass(200)
  await log.run(application.close())
  expect(aborted).toEqual([expect.objectContaining({ code: 'CLOSED' })])
  lives++
  const next = await log.run(startApplication(app, log.options))
  await log.run(next.untilEnd())
  await log.run(next.close())
  expect(await valuesByKey(log)).toEqual(expected(records))
})

test('an instance that joins takes over, and no call is lost or doubled', async () => {
  const records = input(200, 20)
  const log = await withInput(records)
  const app = asking(
    async value => {
      await pause(log.platform.timers, 20)
      return `${value}!`
    },
    { concurrency: 3 },
  )
  const first = await log.run(startApplication(app, log.options))
  await log.until(() => first.state === 'RUNNING')
  await log.pass(100)
  const options = { ...log.options, client: log.connect(), stateFolder: '/other' }
  const second = await log.run(startApplication(app, options))
  await log.run(second.untilEnd())
  await log.run(Promise.all([first.close(), second.close()]))
  expect(await valuesByKey(log)).toEqual(expected(records))
})

test('an instance that joins does not wait for ever for a call that does not end', async () => {
  const records = input(60, 20)
  const log = await withInput(records)
  const signals: AbortSignal[] = []
  const late = Promise.withResolvers<string>()
  const app = asking(
    (value, { signal }) => {
      if (value !== '7') return Promise.resolve(`${value}!`)
      signals.push(signal)
      return signals.length === 1 ? late.promise : '7!'
    },
    { timeoutMs: Infinity },
  )
  const first = await log.run(startApplication(app, log.options))
  await log.until(() => signals.length === 1)
  const options = { ...log.options, client: log.connect(), stateFolder: '/other' }
  const second = await log.run(startApplication(app, options))
  await log.until(() => signals[0]?.aborted === true)
  late.resolve('too late')
  await log.run(second.untilEnd())
  await log.run(Promise.all([first.close(), second.close()]))
  expect(signals.length).toBe(2)
  expect(await valuesByKey(log)).toEqual(expected(records))
})

test('while a commit waits for a call, tasks without calls go on, but not for ever', async () => {
  const log = await withInput(input(1, 1), 1)
  await log.run(log.client.createTopics([{ name: 'flood' }]))
  let [asked, flooded] = [0, 0]
  const app = defineApp('asking', builder => {
    builder.stream('in', text).foreachAsync(() => {
      asked++
      return new Promise(() => {})
    })
    const flood = builder.stream('flood', text).peek(() => void flooded++)
    flood.mapValues(() => 'x'.repeat(100_000)).to('out', text)
  })
  const application = await log.run(startApplication(app, log.options))
  await log.until(() => asked === 1)
  await log.pass(1000)
  // In virtual time a slice lasts as long as there is input.
  for (let more = 0; more < 4; more++) {
    await log.run(produce(log.client, 'flood', input(100, 1)))
    await log.pass(1000)
  }
  expect(flooded).toBe(200)
  await log.run(application.close())
})

test('after the last retry the application stops, with a dead letter', async () => {
  const log = await withInput(input(5, 1), 1)
  const attempts: number[] = []
  const app = asking(
    async (value, { attempt }) => {
      if (value !== '2') return `${value}!`
      attempts.push(attempt)
      throw new Error('the service is down')
    },
    { retries: 2 },
    { deadLetterTopic: 'dead', processingExceptionHandler: logAndFail },
  )
  const application = await log.run(startApplication(app, log.options))
  await expect(log.run(application.finished)).rejects.toMatchObject({
    code: 'PROCESSING_ERROR',
    message: expect.stringMatching(
      /KSTREAM-MAPVALUES-ASYNC-0000000001 of task 0_0 threw on the record at topic in, partition 0, offset 2: the service is down/,
    ),
  })
  expect(attempts).toEqual([1, 2, 3])
  expect(await log.run(readText(log.client, 'dead'))).toEqual(['k0=2'])
})

test('what waits in a cache is committed when the calls have ended that it leads to', async () => {
  const records = input(60, 3)
  const log = await withInput(records)
  const app = defineApp('asking', builder => {
    const counts = builder.stream('in', text).groupByKey().count({ store: 'counts' })
    const answers = counts.toStream().mapValuesAsync(async count => {
      await pause(log.platform.timers, 30)
      return count * 10
    })
    answers.to('out', { key: string(), value: long() })
  })
  const options = { ...log.options, cacheMaxBytes: 1_000_000 }
  const application = await log.run(startApplication(app, options))
  await log.run(application.untilEnd())
  await log.run(application.close())
  const results = new Map<string, number>()
  for (const { key, value } of await log.run(readAll(log.client, 'out'))) {
    results.set(String(key), Number(value?.readBigInt64BE()))
  }
  expect(Object.fromEntries(results)).toEqual({ k0: 200, k1: 200, k2: 200 })
})

test('a paused instance begins nothing, and commits what it had begun', async () => {
  const records = input(100, 10)
  const log = await withInput(records)
  let begun = 0
  const app = asking(
    async value => {
      begun++
      await pause(log.platform.timers, 100)
      return `${value}!`
    },
    { concurrency: 2 },
  )
  const application = await log.run(startApplication(app, log.options))
  await log.until(() => begun === 4)
  application.pause()
  await log.pass(2000)
  const atRest = begun
  const sum = (await committed(log)).reduce((all, offset) => all + offset, 0)
  expect(sum).toBe(atRest)
  await log.pass(1000)
  expect(begun).toBe(atRest)
  application.resume()
  await log.run(application.untilEnd())
  await log.run(application.close())
  expect(await valuesByKey(log)).toEqual(expected(records))
})
