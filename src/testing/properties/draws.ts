import * as fc from 'fast-check'

import type { InputTopicOptions } from './input-records.ts'
import { shrunkDraws } from './shrink-draws.ts'

/** A record as it was drawn. */
export interface Draw {
  readonly topic: string
  /** Index in the keys of the topic. */
  readonly key: number | null
  readonly value: fc.Value<unknown> | null
  readonly timestamp: number
  /** What happens with the record beside being piped: 0 for nothing, up to `maxChoice`. What that means is the law's. */
  readonly choice: number
}

export const maxChoice = 255

/** How times are drawn. */
export interface DrawTimes {
  /** Most records of a sequence. @defaultValue 30 */
  readonly maxLength?: number
  /** Earliest time, in milliseconds since the Unix epoch. @defaultValue 0 */
  readonly startTimeMs?: number
  /** Most milliseconds by which time advances from one record to the next. @defaultValue 10 */
  readonly stepMs?: number
  /** Most milliseconds by which a record out of order is behind; 0 for records in order. @defaultValue 3 × stepMs */
  readonly outOfOrderMs?: number
  /** Most milliseconds by which a late record is behind; there are few. @defaultValue 0: none is late */
  readonly lateMs?: number
  /** Most milliseconds by which time jumps, now and then. @defaultValue 0: it does not */
  readonly jumpMs?: number
  /** Whether some records come again, as they are. @defaultValue true */
  readonly duplicates?: boolean
}

export type DrawTopics = Readonly<Record<string, InputTopicOptions<unknown, unknown>>>

export interface DrawOptions extends DrawTimes {
  readonly topics: DrawTopics
}

/** The arbitrary behind `inputRecords`: records that know how they are made simpler. */
export class Draws extends fc.Arbitrary<readonly Draw[]> {
  readonly #topics: DrawTopics
  readonly #times: Required<DrawTimes>

  constructor({ topics, ...times }: DrawOptions) {
    super()
    const { stepMs = 10 } = times
    this.#topics = topics
    this.#times = {
      maxLength: 30,
      startTimeMs: 0,
      stepMs,
      outOfOrderMs: 3 * stepMs,
      lateMs: 0,
      jumpMs: 0,
      duplicates: true,
      ...times,
    }
  }

  override generate(random: fc.Random, biasFactor: number | undefined): fc.Value<readonly Draw[]> {
    const { maxLength, startTimeMs, duplicates } = this.#times
    const small = biasFactor !== undefined && random.nextInt(1, biasFactor) === 1
    const length = random.nextInt(0, small ? Math.min(maxLength, 4) : maxLength)
    const names = Object.keys(this.#topics)
    const draws: Draw[] = []
    let latest = startTimeMs
    while (draws.length < length) {
      const again = draws[random.nextInt(0, draws.length * 10)]
      if (duplicates && again !== undefined) {
        draws.push(again)
        continue
      }
      const timestamp = Math.max(startTimeMs, this.#time(random, latest))
      latest = Math.max(latest, timestamp)
      const topic = names[random.nextInt(0, names.length - 1)] ?? ''
      draws.push(this.#draw(topic, timestamp, random, biasFactor))
    }
    return value(draws)
  }

  override canShrinkWithoutContext(_value: unknown): _value is readonly Draw[] {
    return false
  }

  override shrink(_draws: readonly Draw[], context: unknown): fc.Stream<fc.Value<readonly Draw[]>> {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    const draws = context as readonly Draw[]
    const shrinkValue = ({ topic, value }: Draw): Iterable<fc.Value<unknown>> =>
      value === null ? [] : (this.#topics[topic]?.values.shrink(value.value, value.context) ?? [])
    return fc.stream(shrunkDraws(draws, this.#times.startTimeMs, shrinkValue)).map(value)
  }

  #time(random: fc.Random, latest: number): number {
    const { stepMs, outOfOrderMs, lateMs, jumpMs } = this.#times
    const dice = random.nextInt(0, 99)
    if (dice < 20 && outOfOrderMs > 0) return latest - random.nextInt(1, outOfOrderMs)
    if (dice < 25 && lateMs > 0) return latest - random.nextInt(1, lateMs)
    if (dice < 28 && jumpMs > 0) return latest + random.nextInt(1, jumpMs)
    return dice < 50 ? latest : latest + random.nextInt(0, stepMs)
  }

  #draw(topic: string, timestamp: number, random: fc.Random, biasFactor: number | undefined): Draw {
    const options = this.#topics[topic]
    if (options === undefined) throw new RangeError('inputRecords needs a topic at least')
    const { keys, nullKeys = false, tombstones = false, values } = options
    const hasKey = !nullKeys || random.nextInt(0, 9) > 0
    const hasValue = !tombstones || random.nextInt(0, 5) > 0
    return {
      topic,
      key: hasKey ? random.nextInt(0, keys.length - 1) : null,
      value: hasValue ? values.generate(random, biasFactor) : null,
      timestamp,
      choice: random.nextInt(0, maxChoice),
    }
  }
}

const value = (draws: readonly Draw[]): fc.Value<readonly Draw[]> => new fc.Value(draws, draws)
