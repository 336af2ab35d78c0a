import * as fc from 'fast-check'

import { type Draw, type DrawOptions, Draws, type DrawTopics } from './draws.ts'
import type { InputRecord, InputRecords } from './input-records.ts'

/** What `inputRecords` makes: draws, shown as records. */
export class RecordsArbitrary<R extends InputRecord = InputRecord>
  extends fc.Arbitrary<R[]>
  implements InputRecords<R>
{
  readonly topics: DrawTopics
  /** The same with how each record is made simpler, and a number of its own. */
  readonly draws: Draws

  constructor(options: DrawOptions) {
    super()
    this.topics = options.topics
    this.draws = new Draws(options)
  }

  override generate(random: fc.Random, biasFactor: number | undefined): fc.Value<R[]> {
    return this.#value(this.draws.generate(random, biasFactor).value)
  }

  override canShrinkWithoutContext(_value: unknown): _value is R[] {
    return false
  }

  override shrink(_value: R[], context: unknown): fc.Stream<fc.Value<R[]>> {
    return this.draws.shrink([], context).map(({ value }) => this.#value(value))
  }

  record({ topic, key, value, timestamp }: Draw): R {
    const record = {
      topic,
      key: key === null ? null : this.topics[topic]?.keys[key],
      value: value === null ? null : value.value,
      timestamp,
    }
    // Topics and records fit each other: `inputRecords` says so.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    return record as R
  }

  #value(draws: readonly Draw[]): fc.Value<R[]> {
    return new fc.Value(
      draws.map(draw => this.record(draw)),
      draws,
    )
  }
}
