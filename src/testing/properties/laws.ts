import * as fc from 'fast-check'

import { MillraceError } from '../../errors.ts'
import type { TestApplicationOptions } from '../test-application.ts'
import type { TopologySource } from '../topology-source.ts'
import type { Draw } from './draws.ts'
import { differences } from './final-state.ts'
import type { InputRecord, InputRecords } from './input-records.ts'
import { Broken, callingFile, type Difference, lawBroken, replayOf } from './law-failure.ts'
import { Player } from './player.ts'
import { RecordsArbitrary } from './records-arbitrary.ts'
import { batched, cached, restarted, settled, type Treatment } from './treatments.ts'

/**
 * How a law is checked.
 */
export interface LawOptions<R extends InputRecord = InputRecord> {
  /** Sequences of records to try. @defaultValue 100 */
  readonly numRuns?: number
  /** What random numbers begin with. @defaultValue another one each time */
  readonly seed?: number
  /** With the `seed` of a failure: that case alone. */
  readonly path?: string
  /** Records that come before all others, such as first rows of a table, in topics of the inputs. @defaultValue none */
  readonly given?: readonly R[]
  /** Stores and output topics that may differ. @defaultValue none */
  readonly except?: readonly string[]
  /** Settings of the app as they are tested. @defaultValue those of the app */
  readonly config?: Omit<TestApplicationOptions, 'partitions' | 'stateFolder'>
}

/**
 * How `sameUnderInterleaving` is checked.
 */
export interface InterleavingOptions<R extends InputRecord = InputRecord> extends LawOptions<R> {
  /** Partitions of every topic. @defaultValue 3 */
  readonly partitions?: number
}

/**
 * How `lateRecordsChangeNothing` is checked.
 */
export interface LateRecordsOptions<R extends InputRecord = InputRecord> extends LawOptions<R> {
  /**
   * How many milliseconds of stream time after their end windows are closed: their grace; for sessions, which end with their
   * last record, the inactivity gap and the grace. Of each store by name, or of all.
   */
  readonly closedAfterMs: number | Readonly<Record<string, number>>
}

/**
 * Laws that hold for a topology whose results depend on its records and their times, and on nothing else. Each function
 * plays sequences of records that it draws, in the app and in another way in the app again, and compares what all stores hold
 * and what the output topics say last of each key. It throws LAW_BROKEN when they differ: the message has a table of as few
 * records as show it, the difference, and the command that plays just this case again.
 */
export interface Laws {
  /**
   * Final state does not depend on which partition is read faster, as long as each is read in its order. What breaks it: a
   * result that depends on the order of records of several keys, such as a `reduce` over another key that is not
   * associative and commutative, or windows whose grace is shorter than one partition may be behind another.
   *
   * @example
   * ```ts
   * import * as fc from 'fast-check'
   * import { defineApp, string } from 'millrace'
   * import { inputRecords, laws } from 'millrace/testing/properties'
   *
   * const text = { key: string(), value: string() }
   * const words = { ...text, keys: ['a', 'b', 'c'], values: fc.constantFrom('x', 'y', 'z') }
   * const inputs = inputRecords({ topics: { words } })
   * const app = defineApp('words', builder => {
   *   const byWord = builder.stream('words', text).groupBy((_, word) => word, text)
   *   byWord.count({ store: 'counts' })
   * })
   * await laws.sameUnderInterleaving(app, inputs)
   *
   * const wrong = defineApp('wrong', builder => {
   *   const byWord = builder.stream('words', text).map((key, word) => [word, key]).groupByKey(text)
   *   byWord.reduce((keys, key) => keys + key, { store: 'keys' })
   * })
   * await laws.sameUnderInterleaving(wrong, inputs) // throws LAW_BROKEN
   * ```
   */
  sameUnderInterleaving<R extends InputRecord>(
    app: TopologySource,
    inputs: InputRecords<R>,
    options?: InterleavingOptions<R>,
  ): Promise<void>
  /**
   * Final state does not depend on how many records are read at once, processed together and committed together. What breaks
   * it: processing that reads a clock or keeps something outside of stores, or a join with a table whose records are not in
   * order of time with those of the stream.
   *
   * @example
   * ```ts
   * import * as fc from 'fast-check'
   * import { defineApp, string } from 'millrace'
   * import { inputRecords, laws } from 'millrace/testing/properties'
   *
   * const text = { key: string(), value: string() }
   * const words = { ...text, keys: ['a', 'b', 'c'], values: fc.constantFrom('x', 'y', 'z') }
   * const inputs = inputRecords({ topics: { words } })
   * const app = defineApp('words', builder => {
   *   builder.stream('words', text).groupByKey().count({ store: 'counts' })
   * })
   * await laws.sameUnderBatching(app, inputs)
   *
   * const wrong = defineApp('wrong', builder => {
   *   builder.stream('words', text).mapValues(word => `${word} at ${Date.now()}`).to('out', text)
   * })
   * await laws.sameUnderBatching(wrong, inputs) // throws LAW_BROKEN
   * ```
   */
  sameUnderBatching<R extends InputRecord>(
    app: TopologySource,
    inputs: InputRecords<R>,
    options?: LawOptions<R>,
  ): Promise<void>
  /**
   * Final state does not change when the app is stopped or killed after any record and starts again, with its stores or without
   * them. What breaks it: state that is not in a store, a store without a changelog, processing that is not repeatable.
   *
   * @example
   * ```ts
   * import * as fc from 'fast-check'
   * import { defineApp, string } from 'millrace'
   * import { inputRecords, laws } from 'millrace/testing/properties'
   *
   * const text = { key: string(), value: string() }
   * const words = { ...text, keys: ['a', 'b', 'c'], values: fc.constantFrom('x', 'y', 'z') }
   * const inputs = inputRecords({ topics: { words } })
   * const app = defineApp('words', builder => {
   *   builder.stream('words', text).groupByKey().count({ store: 'counts' })
   * })
   * await laws.sameUnderRestarts(app, inputs)
   *
   * const wrong = defineApp('wrong', builder => {
   *   let seen = 0
   *   builder.stream('words', text).mapValues(word => `${word} ${seen++}`).to('out', text)
   * })
   * await laws.sameUnderRestarts(wrong, inputs) // throws LAW_BROKEN
   * ```
   */
  sameUnderRestarts<R extends InputRecord>(
    app: TopologySource,
    inputs: InputRecords<R>,
    options?: LawOptions<R>,
  ): Promise<void>
  /**
   * Final state does not depend on whether updates of tables go on at once or are held back until the next commit, of several
   * updates of a row only the last one (`cacheMaxBytes`). Times may differ: a later update that goes on alone has its own. What
   * breaks it: a result that counts updates instead of what they say; and time that jumps past the retention of a window at
   * once, for only a cache still has its row then, as in Kafka Streams. `except` leaves the store out.
   *
   * @example
   * ```ts
   * import * as fc from 'fast-check'
   * import { defineApp, string } from 'millrace'
   * import { inputRecords, laws } from 'millrace/testing/properties'
   *
   * const text = { key: string(), value: string() }
   * const words = { ...text, keys: ['a', 'b', 'c'], values: fc.constantFrom('x', 'y', 'z') }
   * const inputs = inputRecords({ topics: { words } })
   * const app = defineApp('words', builder => {
   *   builder.stream('words', text).groupByKey().count({ store: 'counts' })
   * })
   * await laws.sameUnderCaching(app, inputs)
   *
   * const wrong = defineApp('wrong', builder => {
   *   const counts = builder.stream('words', text).groupByKey().count()
   *   counts.toStream().groupByKey().count({ store: 'updates' })
   * })
   * await laws.sameUnderCaching(wrong, inputs) // throws LAW_BROKEN
   * ```
   */
  sameUnderCaching<R extends InputRecord>(
    app: TopologySource,
    inputs: InputRecords<R>,
    options?: LawOptions<R>,
  ): Promise<void>
  /**
   * Once a window is closed, no record changes it: its row stays as it is until it expires, and no new one comes. What breaks
   * it: windows whose grace is longer than `closedAfterMs` says, a processor that puts what comes late.
   *
   * @example
   * ```ts
   * import * as fc from 'fast-check'
   * import { defineApp, string, tumbling } from 'millrace'
   * import { inputRecords, laws } from 'millrace/testing/properties'
   *
   * const text = { key: string(), value: string() }
   * const words = { ...text, keys: ['a', 'b', 'c'], values: fc.constantFrom('x', 'y', 'z') }
   * const inputs = inputRecords({ topics: { words }, stepMs: 60_000, lateMs: 600_000 })
   * const app = defineApp('words', builder => {
   *   const perMinute = tumbling({ minutes: 1 }, { grace: { minutes: 1 } })
   *   builder.stream('words', text).groupByKey().windowedBy(perMinute).count({ store: 'counts' })
   * })
   * await laws.lateRecordsChangeNothing(app, inputs, { closedAfterMs: 60_000 })
   * await laws.lateRecordsChangeNothing(app, inputs, { closedAfterMs: 0 }) // throws LAW_BROKEN
   * ```
   */
  lateRecordsChangeNothing<R extends InputRecord>(
    app: TopologySource,
    inputs: InputRecords<R>,
    options: LateRecordsOptions<R>,
  ): Promise<void>
}

export const laws: Laws = {
  async sameUnderInterleaving(app, inputs, options = {}) {
    await check(app, inputs, options, {
      law: 'sameUnderInterleaving',
      sentence: 'results are the same whichever partition is read faster',
      title: 'read as',
      notes: (draws, { partitionOf }) => {
        const order = interleaving(draws, partitionOf)
        return draws.map((_, at) => `${order.indexOf(at) + 1}`)
      },
      async play(draws, player) {
        const expected = await player.stateAfter(draws, settled)
        const others = interleaving(draws, player.partitionOf).flatMap(at => draws[at] ?? [])
        const actual = await player.stateAfter(others, settled)
        return differences(expected, actual)
      },
      partitions: options.partitions ?? 3,
    })
  },
  async sameUnderBatching(app, inputs, options = {}) {
    await check(app, inputs, options, {
      law: 'sameUnderBatching',
      sentence: 'results are the same however the work is cut into batches and commits',
      ...treated(batched),
    })
  },
  async sameUnderRestarts(app, inputs, options = {}) {
    await check(app, inputs, options, {
      law: 'sameUnderRestarts',
      sentence: 'results are the same if it is stopped or killed and starts again',
      ...treated(restarted),
    })
  },
  async sameUnderCaching(app, inputs, options = {}) {
    await check(app, inputs, options, {
      law: 'sameUnderCaching',
      sentence:
        'results are the same whether updates of tables are held back until a commit or not',
      ...treated(cached),
      async play(draws, player) {
        const expected = await player.stateAfter(draws, settled, { cacheMaxBytes: 0 })
        const actual = await player.stateAfter(draws, cached, { cacheMaxBytes: 1024 * 1024 })
        return differences(expected, actual, 'values')
      },
    })
  },
  async lateRecordsChangeNothing(app, inputs, options) {
    const { closedAfterMs } = options
    const closedAfter = (store: string): number =>
      typeof closedAfterMs === 'number' ? closedAfterMs : (closedAfterMs[store] ?? Infinity)
    await check(app, inputs, options, {
      law: 'lateRecordsChangeNothing',
      sentence: 'late records do not change closed windows',
      title: '',
      notes: () => [],
      play: (draws, player) => player.changesOfClosed(draws, closedAfter),
      partitions: 1,
    })
  },
}

/** How a law plays a sequence of records, and what it finds. */
interface Check {
  readonly law: string
  readonly sentence: string
  /** What the notes say of each record. */
  readonly title: string
  readonly notes: (draws: readonly Draw[], player: Player) => readonly string[]
  readonly play: (draws: readonly Draw[], player: Player) => Promise<readonly Difference[]>
  readonly partitions: number
}

/** Compares with a run in which everything is done after every record. */
function treated(
  treatmentOf: (choice: number) => Treatment,
): Pick<Check, 'title' | 'notes' | 'play' | 'partitions'> {
  return {
    title: 'then',
    notes: draws => draws.map(({ choice }) => treatmentOf(choice).note),
    async play(draws, player) {
      const expected = await player.stateAfter(draws, settled)
      return differences(expected, await player.stateAfter(draws, treatmentOf))
    },
    partitions: 1,
  }
}

async function check<R extends InputRecord>(
  source: TopologySource,
  inputs: InputRecords<R>,
  options: LawOptions<R>,
  { law, sentence, title, notes, play, partitions }: Check,
): Promise<void> {
  const testFile = callingFile(new Error().stack ?? '', import.meta.dirname)
  const { numRuns = 100, seed, path } = options
  if (!(inputs instanceof RecordsArbitrary)) {
    throw new MillraceError('INVALID_CONFIG', `Records for ${law} are made by inputRecords.`)
  }
  const player = new Player(source, inputs, options, partitions)
  // A topic that the app does not read is no record's fault.
  await player.stateAfter([], settled)
  const property = fc.asyncProperty(inputs.draws, async draws => {
    const found = await play(draws, player)
    if (found.length > 0) throw new Broken(found)
  })
  const result = await fc.check(property, {
    numRuns,
    ...(seed !== undefined && { seed }),
    ...(path !== undefined && { path }),
    ...replayOf(law),
  })
  if (!result.failed) return
  const draws = result.counterexample?.[0] ?? []
  throw lawBroken({
    law,
    sentence,
    app: player.topology.applicationId,
    records: draws.map(draw => inputs.record(draw)),
    treatment: { title, notes: notes(draws, player) },
    error: result.errorInstance,
    numShrinks: result.numShrinks,
    seed: result.seed,
    path: result.counterexamplePath ?? '',
    testFile,
  })
}

/**
 * Another order of the records, by their indices: each is put off by what was chosen for it, but stays behind all of its
 * partition that came before it.
 */
function interleaving(
  draws: readonly Draw[],
  partitionOf: (draw: Draw) => number,
): readonly number[] {
  const ranks = new Map<number, number>()
  const ranked = draws.map((draw, at) => {
    const partition = partitionOf(draw)
    const rank = Math.max(ranks.get(partition) ?? 0, at + (draw.choice >> 3))
    ranks.set(partition, rank)
    return { at, rank }
  })
  return ranked.sort((a, b) => a.rank - b.rank).map(({ at }) => at)
}
