import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import * as fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'

import {
  type EmitStrategy,
  type ReadOnlySessionStore,
  type ReadOnlyWindowStore,
  type SessionWindows,
  type SlidingWindows,
  type StreamsBuilder,
  type TaskConfig,
  type Windows,
  calendar,
  hopping,
  sessions,
  sessionWindowed,
  sliding,
  string,
  tumbling,
  unlimited,
  windowed,
} from '../../src/index.ts'
import { TestApplication, TestDriver } from '../../src/testing/index.ts'
import {
  type Expected,
  type Input,
  type Result,
  byStart,
  naiveSessions,
  naiveSliding,
  naiveWindows,
} from './windows.ts'

/** Windowed aggregations against interpreters that keep everything in lists, with restarts and kills in between. */
const runs = Number(process.env['MILLRACE_RUNS'] ?? 10_000)
const restartedRuns = Math.ceil(runs / 50)
const strings = { key: string(), value: string() }
const folder = mkdtempSync(join(tmpdir(), 'millrace-windows-'))
afterAll(() => rmSync(folder, { recursive: true }))

type AnyWindows = Windows | SlidingWindows | SessionWindows

interface Aggregated {
  readonly windows: AnyWindows
  readonly emit: EmitStrategy
  readonly retentionMs: number
}

const emitArbitrary = fc.constantFrom<EmitStrategy>('onWindowUpdate', 'onWindowClose')
const graceArbitrary = fc.constantFrom(0, 0, 1, 5, 30)
const moreArbitrary = fc.constantFrom(0, 0, 1, 50, 200_000)

const timeWindowsArbitrary = fc
  .record({
    windows: fc.oneof(
      fc
        .record({ size: fc.integer({ min: 1, max: 20 }), grace: graceArbitrary, split: fc.nat(3) })
        .chain(({ size, grace, split }) => {
          const advance = Math.max(1, Math.ceil(size / (split + 1)))
          return fc.nat(advance - 1).map(offset => hopping(size, { advance, grace, offset }))
        }),
      fc.constant(tumbling(10, { grace: 5 })),
      fc.constant(calendar('day', { timeZone: 'Europe/Berlin', grace: { hours: 1 } })),
    ),
    emit: emitArbitrary,
    more: moreArbitrary,
  })
  .map(({ windows, emit, more }): Aggregated & { windows: Windows } => ({
    windows,
    emit,
    retentionMs: windows.sizeMs + windows.graceMs + more,
  }))

const sessionsArbitrary = fc
  .record({
    gap: fc.integer({ min: 1, max: 12 }),
    grace: graceArbitrary,
    emit: emitArbitrary,
    more: moreArbitrary,
  })
  .map(({ gap, grace, emit, more }): Aggregated & { windows: SessionWindows } => ({
    windows: sessions(gap, { grace }),
    emit,
    retentionMs: gap + grace + more,
  }))

const slidingArbitrary = fc
  .record({
    difference: fc.integer({ min: 1, max: 15 }),
    grace: graceArbitrary,
    emit: emitArbitrary,
  })
  .map(({ difference, grace, emit }): Aggregated & { windows: SlidingWindows } => ({
    windows: sliding(difference, { grace }),
    emit,
    retentionMs: 2 * difference + grace,
  }))

/** Times near each other, which go on, with a jump now and then over more than a segment of a store. */
const inputsArbitrary = fc
  .array(
    fc.record({
      key: fc.oneof(
        { weight: 15, arbitrary: fc.constantFrom('a', 'b', 'ab') },
        { weight: 1, arbitrary: fc.constant(null) },
      ),
      isNull: fc.oneof(
        { weight: 15, arbitrary: fc.constant(false) },
        { weight: 1, arbitrary: fc.constant(true) },
      ),
      step: fc.oneof(
        { weight: 20, arbitrary: fc.integer({ min: -12, max: 12 }) },
        { weight: 2, arbitrary: fc.integer({ min: -60, max: 60 }) },
        { weight: 1, arbitrary: fc.integer({ min: 30_000, max: 130_000 }) },
      ),
    }),
    { maxLength: 20 },
  )
  .map(drawn => {
    let time = 0
    return drawn.map(({ key, isNull, step }, at): Input => {
      const timestamp = Math.max(0, time + step)
      time = Math.max(time, timestamp)
      return { key, value: isNull ? null : `${at} `, timestamp }
    })
  })

const append = (_: string, value: string | null, all: string): string => `${all}${value}`

/** Joins the values of each window of the topic `in`, in the store `joined`. */
function topology({ windows, emit, retentionMs }: Aggregated) {
  const options = { store: 'joined', value: string(), retention: retentionMs }
  return (builder: StreamsBuilder): void => {
    const grouped = builder.stream('in', strings).groupByKey()
    const table =
      windows.kind === 'session'
        ? grouped
            .windowedBy(windows)
            .emitStrategy(emit)
            .aggregate(
              () => '',
              append,
              (_, one, two) => (one === '' ? two : `(${one}|${two})`),
              options,
            )
        : grouped
            .windowedBy(windows)
            .emitStrategy(emit)
            .aggregate(() => '', append, options)
    table.toStream().to('out')
  }
}

function outSerdes({ windows }: Aggregated) {
  switch (windows.kind) {
    case 'time':
      return { key: windowed(string(), windows), value: string() }
    case 'sliding':
      return { key: windowed(string(), windows.timeDifferenceMs), value: string() }
    case 'session':
      return { key: sessionWindowed(string()), value: string() }
    default:
      return windows satisfies never
  }
}

type Output = ReturnType<ReturnType<typeof driverOf>['results']>[number]

function driverOf(aggregated: Aggregated, config: TaskConfig = {}) {
  const driver = new TestDriver(topology(aggregated), config)
  const input = driver.inputTopic('in', strings)
  const output = driver.outputTopic('out', outSerdes(aggregated))
  return {
    driver,
    pipe: ({ key, value, timestamp }: Input) => input.pipe(key, value, { timestamp }),
    results: () =>
      output.readAll().map(({ key, value, timestamp }) => ({
        key: key?.key,
        start: key?.window.start,
        end: key?.window.end,
        value,
        timestamp,
      })),
    rows: () =>
      aggregated.windows.kind === 'session'
        ? driver.sessionStore<string, string>('joined').rows().map(sessionRow).sort(byStart)
        : driver
            .windowStore<string, string>('joined')
            .rows()
            .map(row => windowRow(row, aggregated.windows))
            .sort(byStart),
  }
}

interface StoredRow {
  readonly key: string
  readonly value: string
  readonly timestamp: number
}

/** Sessions are shown with the time that their results have. */
const sessionRow = ({
  key,
  start,
  end,
  value,
}: StoredRow & { start: number; end: number }): Result => ({
  key,
  start,
  end,
  value,
  timestamp: end,
})

function windowRow(
  { key, windowStart: start, value, timestamp }: StoredRow & { windowStart: number },
  windows: AnyWindows,
): Result {
  const end =
    windows.kind === 'time'
      ? windows.endOf(start)
      : windows.kind === 'sliding'
        ? start + windows.timeDifferenceMs
        : NaN
  return { key, start, end, value, timestamp }
}

function expectAll(aggregated: Aggregated, inputs: readonly Input[], expected: Expected): void {
  const { driver, pipe, results, rows } = driverOf(aggregated)
  inputs.forEach(pipe)
  expect(results()).toEqual(expected.results)
  expect(rows()).toEqual(expected.rows)
  expect(driver.droppedRecords).toBe(expected.dropped)
}

describe('an aggregation has the results, in their order, and the rows of one that looks at everything:', () => {
  test('in windows of fixed places', () => {
    fc.assert(
      fc.property(timeWindowsArbitrary, inputsArbitrary, (aggregated, inputs) => {
        expectAll(aggregated, inputs, naiveWindows(aggregated.windows, inputs, aggregated))
      }),
      { numRuns: runs },
    )
  })

  test('in windows of fixed places that close, behind a cache', () => {
    fc.assert(
      fc.property(timeWindowsArbitrary, inputsArbitrary, (drawn, inputs) => {
        const aggregated = { ...drawn, emit: 'onWindowClose' } as const
        const { pipe, results } = driverOf(aggregated, { cacheMaxBytes: 1024 * 1024 })
        inputs.forEach(pipe)
        const options = { ...aggregated, isCached: true }
        expect(results()).toEqual(naiveWindows(aggregated.windows, inputs, options).results)
      }),
      { numRuns: Math.ceil(runs / 10) },
    )
  })

  test('in a window without end', () => {
    fc.assert(
      fc.property(fc.nat(30), inputsArbitrary, (start, inputs) => {
        const windows = unlimited({ start })
        const emit = 'onWindowUpdate'
        const aggregated = { windows, emit, retentionMs: Number.MAX_SAFE_INTEGER } as const
        const { pipe, rows } = driverOf(aggregated)
        inputs.forEach(pipe)
        expect(rows()).toEqual(naiveWindows(windows, inputs, aggregated).rows)
      }),
      { numRuns: Math.ceil(runs / 10) },
    )
  })

  test('in sessions', () => {
    fc.assert(
      fc.property(sessionsArbitrary, inputsArbitrary, (aggregated, inputs) => {
        const segmentMs = Math.max(60_000, Math.floor(aggregated.retentionMs / 2))
        const options = { ...aggregated, segmentMs }
        expectAll(aggregated, inputs, naiveSessions(aggregated.windows, inputs, options))
      }),
      { numRuns: runs },
    )
  })

  test('in sliding windows that take all that is late', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 15 }), inputsArbitrary, (difference, inputs) => {
        const windows = sliding(difference, { grace: { days: 1_000 } })
        const retentionMs = 2 * difference + windows.graceMs
        const aggregated = { windows, emit: 'onWindowUpdate', retentionMs } as const
        expectAll(aggregated, inputs, naiveSliding(windows, inputs))
      }),
      { numRuns: runs },
    )
  })
})

const events = {
  process: async (application: TestApplication) => void (await application.process()),
  commit: (application: TestApplication) => application.commit(),
  restart: (application: TestApplication) => application.restart(),
  kill: (application: TestApplication) => application.kill(),
  'kill within a commit': (application: TestApplication) =>
    application.kill({ withinCommit: true }),
  'kill and wipe': (application: TestApplication) => application.kill({ wipe: true }),
}
type Event = keyof typeof events

const anyArbitrary: fc.Arbitrary<Aggregated> = fc.oneof(
  timeWindowsArbitrary,
  sessionsArbitrary,
  slidingArbitrary,
)

/** What an application that is restarted has written and stored when it has done all. */
async function restarted(
  application: TestApplication,
  aggregated: Aggregated,
  inputs: readonly Input[],
  planned: readonly (readonly [after: number, event: Event])[],
) {
  const input = application.inputTopic('in', strings)
  for (const [at, { key, value, timestamp }] of inputs.entries()) {
    input.pipe(key, value, { timestamp })
    for (const [after, event] of planned) {
      if (after !== at) continue
      await application.process()
      await events[event](application)
    }
  }
  await application.settle()
  const output = application.outputTopic('out', outSerdes(aggregated)).readAll()
  const rows: Result[] = []
  if (aggregated.windows.kind === 'session') {
    const store = application.store<ReadOnlySessionStore<string, string>>('joined')
    for await (const row of store.all()) rows.push(sessionRow(row))
  } else {
    const store = application.store<ReadOnlyWindowStore<string, string>>('joined')
    for await (const row of store.all()) rows.push(windowRow(row, aggregated.windows))
  }
  return {
    results: output.map(({ key, value, timestamp }): Output => {
      const { start, end } = key?.window ?? {}
      return { key: key?.key, start, end, value, timestamp }
    }),
    rows: rows.sort(byStart),
  }
}

describe.each(['memory', 'LevelDB'])(
  'restarts and kills change nothing, with stores in %s:',
  engine => {
    let opened = 0

    test('whatever the windows, and when results are given', async () => {
      await fc.assert(
        fc.asyncProperty(
          anyArbitrary,
          inputsArbitrary,
          fc.array(fc.tuple(fc.nat(20), fc.constantFrom(...(Object.keys(events) as Event[]))), {
            maxLength: 5,
          }),
          async (aggregated, inputs, planned) => {
            const { pipe, results, rows } = driverOf(aggregated)
            inputs.forEach(pipe)
            const stateFolder = join(folder, `${opened++}`)
            await using application = await TestApplication.start(
              topology(aggregated),
              engine === 'memory' ? {} : { stateFolder },
            )
            const shown = await restarted(application, aggregated, inputs, planned)
            expect(shown).toEqual({ results: results(), rows: rows() })
          },
        ),
        { numRuns: engine === 'memory' ? 10 * restartedRuns : restartedRuns },
      )
    })
  },
)
