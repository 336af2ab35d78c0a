import {
  type StreamsBuilder,
  type TimeWindows,
  hopping,
  string,
  tumbling,
} from '../../../src/index.ts'
import { type Topologies, log, longs, strings } from './shared.ts'

/** Most scenarios count by key and window. */
const countBy =
  (windows: TimeWindows) =>
  (b: StreamsBuilder): void => {
    const input = b.stream('in', strings)
    input.groupByKey().windowedBy(windows).count({ store: 'counts' }).toStream().to('out')
  }

export const topologies: Topologies = {
  'tumbling-count': countBy(tumbling(10)),
  'tumbling-no-grace': countBy(tumbling(10)),
  'tumbling-grace-boundary': countBy(tumbling(10, { grace: 5 })),
  'tumbling-late-moves-time': countBy(tumbling(10, { grace: 5 })),
  'tumbling-null-value': countBy(tumbling(10)),
  'hopping-order': countBy(hopping(10, { advance: 4 })),
  'hopping-partly-late': countBy(hopping(10, { advance: 5, grace: 2 })),

  'window-retention'(b) {
    const input = b.stream('in', strings)
    input
      .groupByKey()
      .windowedBy(tumbling(10, { grace: 5 }))
      .count({ store: 'counts', retention: 40 })
      .toStream()
      .to('out')
  },

  'window-retention-too-short'(b) {
    const input = b.stream('in', strings)
    input
      .groupByKey()
      .windowedBy(tumbling(10, { grace: 5 }))
      .count({ store: 'counts', retention: 14 })
  },

  'window-two-time-scopes'(b) {
    const input = b.stream('in', strings)
    input
      .filter((_, v) => v !== 'skip')
      .groupByKey()
      .windowedBy(tumbling(10))
      .count({ store: 'counts' })
      .toStream()
      .to('out')
  },

  'window-table-filter'(b) {
    const input = b.stream('in', strings)
    input
      .groupByKey()
      .windowedBy(tumbling(10, { grace: 10 }))
      .count({ store: 'counts' })
      .filter((_, n) => n > 1)
      .mapValues((n, { window }) => `${window.start}:${n}`)
      .toStream()
      .selectKey(({ key }) => key)
      .to('out', strings)
  },

  'two-window-sizes'(b) {
    const input = b.stream('in', strings)
    const grouped = input.peek((_, v) => log(v)).groupByKey()
    grouped.windowedBy(tumbling(10)).count({ store: 'ten' }).toStream().to('ten')
    grouped.windowedBy(tumbling(25)).count({ store: 'twenty-five' }).toStream().to('twenty-five')
  },

  'window-changelog': countBy(tumbling(10, { grace: 5 })),
  'window-big-timestamps': countBy(tumbling({ days: 1 }, { grace: { hours: 1 } })),

  'window-changes-regrouped'(b) {
    const counts = b
      .stream('in', strings)
      .groupByKey()
      .windowedBy(tumbling(10, { grace: 10 }))
      .count({ store: 'counts' })
    counts
      .groupBy((w, n) => [w.key, n], longs)
      .aggregate(
        () => '',
        (_, n, aggregate) => `${aggregate}+${n}`,
        (_, n, aggregate) => `${aggregate}-${n}`,
        { store: 'trace', value: string() },
      )
      .toStream()
      .to('out')
  },

  'window-re-keyed'(b) {
    const input = b.stream('in', strings)
    input
      .groupBy((_, v) => v, strings)
      .windowedBy(tumbling(10, { grace: 1 }))
      .count({ store: 'counts' })
      .toStream()
      .to('out')
  },
}
