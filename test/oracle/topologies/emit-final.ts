import {
  type SlidingWindows,
  type StreamsBuilder,
  type Windows,
  hopping,
  sessions,
  sliding,
  string,
  tumbling,
} from '../../../src/index.ts'
import { type Topologies, strings } from './shared.ts'

/** Most scenarios join the values of each window, and keep them long. */
const joined =
  (windows: Windows | SlidingWindows, retention?: number) =>
  (b: StreamsBuilder): void => {
    const input = b.stream('in', strings)
    input
      .groupByKey()
      .windowedBy(windows)
      .emitStrategy('onWindowClose')
      .aggregate(
        () => '',
        (_, v, aggregate) => aggregate + v,
        { store: 'joined', value: string(), ...(retention !== undefined && { retention }) },
      )
      .toStream()
      .to('out')
  }

const counted =
  (gap: number, grace: number, retention?: number) =>
  (b: StreamsBuilder): void => {
    const input = b.stream('in', strings)
    input
      .groupByKey()
      .windowedBy(sessions(gap, { grace }))
      .emitStrategy('onWindowClose')
      .count({ store: 'counts', ...(retention !== undefined && { retention }) })
      .toStream()
      .to('out')
  }

export const topologies: Topologies = {
  'final-tumbling': joined(tumbling(10, { grace: 5 }), 1000),
  'final-tumbling-many': joined(tumbling(10, { grace: 5 }), 1000),
  'final-late': joined(tumbling(10, { grace: 5 }), 1000),
  'final-hopping': joined(hopping(10, { advance: 4, grace: 2 }), 1000),
  'final-lost-by-jump': joined(tumbling(10, { grace: 5 })),
  'final-sliding': joined(sliding(10, { grace: 5 }), 1000),
  'final-sliding-early': joined(sliding(10), 1000),
  'final-session-jump': counted(10, 5),
  'final-session-lost-by-jump': counted(10, 5),
  'final-session-merge': counted(10, 20, 1000),
}
