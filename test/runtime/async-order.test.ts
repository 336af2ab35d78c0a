import * as fc from 'fast-check'
import { expect, test } from 'vitest'

import { integer, StreamsBuilder, string } from '../../src/index.ts'
import type { AsyncCall } from '../../src/index.ts'
import { logAndContinue } from '../../src/index.ts'
import type { Topology } from '../../src/topology/topology.ts'
import { VirtualPlatform } from '../client/virtual-platform.ts'
import { AsyncTask, AsyncTaskLog, type TextRecord } from './async-task.ts'

/**
 * Calls of random length that fail, hang and are retried, in a task that commits, ends and is killed at random moments of
 * virtual time, against a naive map over the input. What each call does is decided by its record and its attempt.
 */
interface Attempt {
  readonly latencyMs: number
  /** `ignored` hangs, too, and answers long after it was given up. */
  readonly ends: 'well' | 'at once' | 'badly' | 'never' | 'ignored'
}

interface Input {
  readonly key: string | null
  readonly attempts: readonly Attempt[]
}

const timeoutMs = 50
const text = { key: string(), value: string() }

const attemptArbitrary: fc.Arbitrary<Attempt> = fc.record({
  latencyMs: fc.integer({ min: 0, max: timeoutMs - 1 }),
  ends: fc.oneof(
    { weight: 6, arbitrary: fc.constant('well' as const) },
    { weight: 2, arbitrary: fc.constant('badly' as const) },
    { weight: 1, arbitrary: fc.constantFrom('at once', 'never', 'ignored') },
  ),
})
const inputArbitrary: fc.Arbitrary<Input> = fc.record({
  key: fc.constantFrom('a', 'b', 'c', 'd', null),
  attempts: fc.array(attemptArbitrary, { minLength: 1, maxLength: 4 }),
})
const optionsArbitrary = fc.record({
  concurrency: fc.integer({ min: 1, max: 5 }),
  order: fc.constantFrom('key' as const, 'partition' as const),
  retries: fc.integer({ min: 0, max: 3 }),
})
/** How much virtual time passes, and what happens then. */
const stepArbitrary = fc.record({
  passMs: fc.integer({ min: 0, max: 60 }),
  happens: fc.oneof(
    { weight: 6, arbitrary: fc.constant('go on' as const) },
    { weight: 3, arbitrary: fc.constant('commit' as const) },
    { weight: 1, arbitrary: fc.constantFrom('kill' as const, 'close' as const) },
  ),
})

/** Attempts beyond those that are written down end as the last one. */
const attemptOf = ({ attempts }: Input, attempt: number): Attempt | undefined =>
  attempts[Math.min(attempt, attempts.length) - 1]

/** Whether one of the attempts ends well before there are no more. */
function endsWell(input: Input, retries: number): boolean {
  for (let attempt = 1; attempt <= retries + 1; attempt++) {
    const ends = attemptOf(input, attempt)?.ends
    if (ends === 'well' || ends === 'at once') return true
  }
  return false
}

/** What users' functions see of the world while the property is checked. */
class Calls {
  running = 0
  #lives = 1
  /** Offsets of the records of each key that are called for at the moment. */
  readonly byKey = new Map<string | null, number>()
  most = 0
  overlaps = 0
  readonly #inputs: readonly Input[]
  readonly #platform: VirtualPlatform

  constructor(inputs: readonly Input[], platform: VirtualPlatform) {
    this.#inputs = inputs
    this.#platform = platform
  }

  /** Calls of a process that was killed are nobody's any more. */
  beginLife(): void {
    this.#lives++
    this.running = 0
    this.byKey.clear()
  }

  readonly mapper = (
    value: string,
    key: string | null,
    { attempt, signal }: AsyncCall,
  ): string | Promise<string> => {
    const input = this.#inputs[Number(value)]
    const how = input && attemptOf(input, attempt)
    if (how === undefined) throw new Error('there is no such input')
    if (how.ends === 'at once') return `${value}!`
    this.running++
    this.most = Math.max(this.most, this.running)
    const sameKey = (this.byKey.get(key) ?? 0) + 1
    this.byKey.set(key, sameKey)
    if (sameKey > 1) this.overlaps++
    const life = this.#lives
    const done = (): void => {
      if (life !== this.#lives) return
      this.running--
      this.byKey.set(key, (this.byKey.get(key) ?? 0) - 1)
    }
    return new Promise((resolve, reject) => {
      let isOver = false
      const over = (action: () => void) => (): void => {
        if (!isOver) done()
        isOver = true
        action()
      }
      signal.addEventListener(
        'abort',
        over(() => {}),
      )
      const { timers } = this.#platform
      const { latencyMs, ends } = how
      if (ends === 'well')
        timers.schedule(
          latencyMs,
          over(() => resolve(`${value}!`)),
        )
      if (ends === 'badly')
        timers.schedule(
          latencyMs,
          over(() => reject(new Error(`${value}?`))),
        )
      if (ends === 'ignored')
        timers.schedule(
          timeoutMs * 3,
          over(() => resolve(`${value} too late`)),
        )
    })
  }
}

test('results are those of a naive map, in order, and nothing is committed that has not ended', async () => {
  const property = fc.asyncProperty(
    fc.array(inputArbitrary, { maxLength: 40 }),
    optionsArbitrary,
    fc.array(stepArbitrary, { maxLength: 40 }),
    fc.nat(),
    async (inputs, options, steps, seed) => {
      const platform = new VirtualPlatform(seed)
      const calls = new Calls(inputs, platform)
      const builder = new StreamsBuilder()
      const settings = { ...options, timeoutMs, retryBackoffMs: 10, retryBackoffMaxMs: 30 }
      builder.stream('in', text).mapValuesAsync(calls.mapper, settings).to('out', text)
      const log = new AsyncTaskLog(
        inputs.map(({ key }, at) => ({ key, value: `${at}`, timestamp: at })),
      )
      await live(builder.build('app'), log, platform, steps, () => calls.beginLife())

      const expected = log.inputs.filter((_, at) => endsWell(inputs[at] ?? fail(), options.retries))
      const written = expected.map(({ key, value, timestamp }) => {
        return { topic: 'out', key, value: `${value}!`, timestamp }
      })
      expect(byKey(log.outputs)).toEqual(byKey(written))
      if (options.order === 'partition') expect(log.outputs).toEqual(written)
      else expect(calls.overlaps).toBe(0)
      expect(calls.most).toBeLessThanOrEqual(options.concurrency)
      expect(log.committed).toBe(inputs.length)
    },
  )
  await fc.assert(property, { numRuns: Number(process.env['MILLRACE_RUNS'] ?? 300) })
})

/** Runs the task to the end of its input; after the steps nothing but time disturbs it. */
async function live(
  topology: Topology,
  log: AsyncTaskLog,
  platform: VirtualPlatform,
  steps: readonly { passMs: number; happens: 'go on' | 'commit' | 'kill' | 'close' }[],
  beginLife: () => void = () => {},
): Promise<void> {
  const begin = (): AsyncTask =>
    new AsyncTask(topology, log, platform, { processingExceptionHandler: logAndContinue })
  let life = begin()
  let draining = false
  const turn = (): void => {
    life.task.completeCalls()
    if (!draining) life.task.process(3)
    if (!draining) return
    const firstUnfinished = log.committed
    if (life.commitIfDrained()) draining = false
    else expect(log.committed).toBe(firstUnfinished)
  }
  for (const { passMs, happens } of steps) {
    turn()
    await platform.pass(passMs)
    turn()
    if (happens === 'commit') draining = true
    if (happens === 'kill' || happens === 'close') {
      if (happens === 'close') await life.task.close()
      beginLife()
      life = begin()
      draining = false
    }
  }
  for (let turns = 0; log.committed < log.inputs.length; turns++) {
    if (turns > 10_000) throw new Error('the task does not come to an end')
    turn()
    if (life.task.isCaughtUp) draining = true
    await platform.pass(5)
  }
}

function byKey(records: readonly TextRecord[]): Map<string | null, TextRecord[]> {
  const groups = new Map<string | null, TextRecord[]>()
  for (const record of records) {
    const group = groups.get(record.key)
    if (group === undefined) groups.set(record.key, [record])
    else group.push(record)
  }
  return groups
}

const fail = (): never => {
  throw new Error('there is no such input')
}

test('a record that was read twice from integer keys keeps its order, too', async () => {
  const platform = new VirtualPlatform()
  const builder = new StreamsBuilder()
  const lengths = builder
    .stream('in', text)
    .map((key, value) => [value.length, key])
    .mapValuesAsync(
      (value, length) =>
        new Promise<string>(resolve => {
          platform.timers.schedule(10 - length, () => resolve(value))
        }),
    )
  lengths.to('out', { key: integer(), value: string() })
  const records = ['xx', 'x', 'xx', 'x'].map((value, at) => {
    return { key: `${at}`, value, timestamp: at }
  })
  const log = new AsyncTaskLog(records)
  await live(builder.build('app'), log, platform, [])
  const order = log.outputs.map(({ value }) => value)
  expect(order).toEqual(['0', '1', '2', '3'])
})
