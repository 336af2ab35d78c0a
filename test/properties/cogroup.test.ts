import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import {
  type SessionWindows,
  type StreamsBuilder,
  type Windows,
  hopping,
  sessions,
  string,
  tumbling,
} from '../../src/index.ts'
import { TestApplication, TestDriver } from '../../src/testing/index.ts'

/** Two streams in one table, against a fold over their records, and across restarts. */
const runs = Number(process.env['MILLRACE_RUNS'] ?? 10_000)
const strings = { key: string(), value: string() }

interface Input {
  readonly side: 'left' | 'right'
  readonly key: string | null
  readonly value: string | null
  readonly timestamp: number
}

const rarelyNull = <T>(values: fc.Arbitrary<T>): fc.Arbitrary<T | null> =>
  fc.oneof({ weight: 12, arbitrary: values }, { weight: 1, arbitrary: fc.constant(null) })

const inputsArbitrary: fc.Arbitrary<Input[]> = fc.array(
  fc.record({
    side: fc.constantFrom('left', 'right'),
    key: rarelyNull(fc.constantFrom('a', 'b')),
    value: rarelyNull(fc.constantFrom('1', '2', 'clear')),
    timestamp: fc.nat(40),
  }),
  { maxLength: 20 },
)

const aggregator =
  (side: string) =>
  (_: string, value: string | null, all: string): string | null =>
    value === 'clear' ? null : `${all}${side}${value}`

/** `joined` of both sides, with or without windows. */
const topology =
  (windows: Windows | SessionWindows | undefined) =>
  (builder: StreamsBuilder): void => {
    const right = builder.stream('right', strings).groupByKey()
    const cogrouped = builder
      .stream('left', strings)
      .groupByKey()
      .cogroup(aggregator('L'))
      .cogroup(right, aggregator('R'))
    const options = { store: 'joined', value: string() }
    if (windows === undefined) {
      cogrouped
        .aggregate(() => '', options)
        .toStream()
        .to('out')
    } else if (windows.kind === 'session') {
      cogrouped
        .windowedBy(windows)
        .aggregate(
          () => '',
          (_, one, two) => `${one}|${two}`,
          options,
        )
        .toStream()
        .selectKey(({ key, window }) => `${key}@${window.start}-${window.end}`)
        .to('out', strings)
    } else {
      cogrouped
        .windowedBy(windows)
        .aggregate(() => '', options)
        .toStream()
        .selectKey(({ key, window }) => `${key}@${window.start}-${window.end}`)
        .to('out', strings)
    }
  }

interface Result {
  readonly key: string | null
  readonly value: string | null
  readonly timestamp: number
}

function driven(windows: Windows | SessionWindows | undefined, inputs: readonly Input[]): Result[] {
  const driver = new TestDriver(topology(windows))
  for (const { side, key, value, timestamp } of inputs) {
    driver.inputTopic(side, strings).pipe(key, value, { timestamp })
  }
  return results(driver.outputTopic('out', strings).readAll())
}

const results = (records: readonly Result[]): Result[] =>
  records.map(({ key, value, timestamp }) => ({ key, value, timestamp }))

/** Each record changes the aggregate of its key and window; a window is closed by what came before on the same side. */
function folded(windows: Windows | undefined, inputs: readonly Input[]): Result[] {
  const found: Result[] = []
  const rows = new Map<string, { all: string; time: number }>()
  const streamTimes = { left: -1, right: -1 }
  for (const { side, key, value, timestamp } of inputs) {
    if (key === null || (value === null && windows === undefined)) continue
    streamTimes[side] = Math.max(streamTimes[side], timestamp)
    const closeTime = streamTimes[side] - (windows?.graceMs ?? 0)
    const places = windows?.windowsFor(timestamp).filter(({ end }) => end > closeTime) ?? [null]
    for (const place of places) {
      const name = place === null ? key : `${key}@${place.start}-${place.end}`
      const before = rows.get(name)
      const all = aggregator(side === 'left' ? 'L' : 'R')(key, value, before?.all ?? '')
      const time = Math.max(before?.time ?? -1, timestamp)
      if (all === null) rows.delete(name)
      else rows.set(name, { all, time })
      found.push({ key: name, value: all, timestamp: time })
    }
  }
  return found
}

// Long enough that no store forgets a window that one side still takes.
const placesArbitrary = fc.constantFrom(
  undefined,
  tumbling(10, { grace: 100 }),
  hopping(10, { advance: 4, grace: 100 }),
)

describe('cogrouped streams', () => {
  test('fold their records in the order in which they come', () => {
    fc.assert(
      fc.property(placesArbitrary, inputsArbitrary, (windows, inputs) => {
        expect(driven(windows, inputs)).toEqual(folded(windows, inputs))
      }),
      { numRuns: runs },
    )
  })

  test('go on after restarts and kills as if there had been none', async () => {
    const windowsArbitrary = fc.constantFrom(
      undefined,
      tumbling(10, { grace: 3 }),
      hopping(10, { advance: 4 }),
      sessions(4, { grace: 3 }),
    )
    await fc.assert(
      fc.asyncProperty(
        windowsArbitrary,
        inputsArbitrary,
        fc.array(fc.nat(20), { maxLength: 4 }),
        async (windows, inputs, stops) => {
          await using application = await TestApplication.start(topology(windows))
          for (const [at, { side, key, value, timestamp }] of inputs.entries()) {
            application.inputTopic(side, strings).pipe(key, value, { timestamp })
            // One at a time: of what waits together, the earliest would go first.
            await application.process()
            if (!stops.includes(at)) continue
            // What was not committed would be read again, one input before the other.
            await application.commit()
            await application.kill({ wipe: at % 2 === 0 })
          }
          await application.settle()
          const shown = application.outputTopic('out', strings).readAll()
          expect(results(shown)).toEqual(driven(windows, inputs))
        },
      ),
      { numRuns: Math.ceil(runs / 20) },
    )
  })
})
