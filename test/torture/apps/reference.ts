/**
 * What Kafka's own test of exactly once runs, `EosTestClient`, and windows with it: echo; sum and min for each key; counts of
 * tumbling windows; behind a repartition max and count for each new key. All that is written follows from the committed
 * input alone, record by record: `reference-oracle.ts` computes it.
 */
import { defineApp, json, long, string, type StreamsBuilder, tumbling } from 'millrace'
import { z } from 'zod'

export const Value = z.object({ id: z.string(), n: z.number() })
export type Value = z.infer<typeof Value>

export const PARTITIONS = 4
export const WINDOW_MS = 10_000

/** The key behind the repartition. */
export const regrouped = ({ n }: Value): string => `group ${Math.abs(n) % 50}`

function topology(builder: StreamsBuilder): void {
  const serdes = { key: string(), value: json(Value) }
  const data = builder.stream('data', serdes)
  data.to('echo')
  const byKey = data.groupByKey()
  byKey
    .aggregate(
      () => 0,
      (_, { n }, sum) => sum + n,
      { store: 'sums', value: long() },
    )
    .toStream()
    .to('sum')
  byKey
    .aggregate(
      () => Infinity,
      (_, { n }, min) => Math.min(n, min),
      { store: 'minima', value: long() },
    )
    .toStream()
    .to('min')
  byKey
    .windowedBy(tumbling({ milliseconds: WINDOW_MS }, { grace: { days: 10_000 } }))
    .count({ store: 'windows' })
    .toStream()
    .to('windows')
  const again = data
    .selectKey((_, value) => regrouped(value))
    .repartition({ ...serdes, name: 'again', partitions: PARTITIONS })
    .groupByKey()
  again
    .aggregate(
      () => -Infinity,
      (_, { n }, max) => Math.max(n, max),
      { store: 'maxima', value: long() },
    )
    .toStream()
    .to('max')
  again.count({ store: 'counts' }).toStream().to('count')
}

// oxlint-disable-next-line import/no-default-export -- `millrace run` takes an app module
export default defineApp('reference', topology)
