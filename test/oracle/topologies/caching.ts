import type { StreamsBuilder } from '../../../src/index.ts'
import { type Topologies, strings } from './shared.ts'

const countWords = (b: StreamsBuilder): void => {
  const input = b.stream('in', strings)
  input
    .flatMapValues(v => v.split(' '))
    .groupByKey()
    .count({ store: 'counts' })
    .toStream()
    .to('out')
}

export const topologies: Topologies = {
  'cached-count': countWords,
  'uncached-count': countWords,
  'cached-tiny': countWords,
}
