import { sessions, sliding, string } from '../../../src/index.ts'
import { type Topologies, strings } from './shared.ts'

const add =
  (side: string) =>
  (_: string, v: string, aggregate: string): string =>
    aggregate + side + v

export const topologies: Topologies = {
  cogroup(b) {
    const left = b.stream('left', strings).groupByKey()
    const right = b.stream('right', strings).groupByKey()
    left
      .cogroup(add('L'))
      .cogroup(right, add('R'))
      .aggregate(() => '', { store: 'joined', value: string() })
      .toStream()
      .to('out')
  },

  'cogroup-three'(b) {
    const left = b.stream('left', strings).groupByKey()
    const right = b
      .stream('right', strings)
      .groupBy((k, v: string | null) => (v === null ? k : v.slice(0, 1)), strings)
    const other = b
      .stream('other', strings)
      .mapValues(v => `${v}${v}`)
      .groupByKey(strings)
    left
      .cogroup(add('L'))
      .cogroup(right, add('R'))
      .cogroup(other, add('O'))
      .aggregate(() => '', { store: 'joined', value: string() })
      .toStream()
      .to('out')
  },

  'cogroup-unnamed'(b) {
    const left = b
      .stream('left', strings)
      .groupBy((_, v) => v, { name: 'left-by-value', ...strings })
    const right = b.stream('right', strings).groupByKey()
    const other = b
      .stream('other', strings)
      .selectKey((_, v) => v)
      .groupByKey(strings)
    left
      .cogroup((_k, _v, aggregate: string) => `${aggregate}L`)
      .cogroup(right, (_k, _v, aggregate) => `${aggregate}R`)
      .cogroup(other, (_k, _v, aggregate) => `${aggregate}O`)
      .aggregate(() => '')
      .toStream()
      .to('out', strings)
  },

  'cogroup-session'(b) {
    const left = b.stream('left', strings).groupByKey()
    const right = b.stream('right', strings).groupByKey()
    left
      .cogroup(add('L'))
      .cogroup(right, add('R'))
      .windowedBy(sessions(10, { grace: 100 }))
      .aggregate(
        () => '',
        (_, one, two) => `(${one}|${two})`,
        { store: 'joined', value: string() },
      )
      .toStream()
      .to('out')
  },

  'cogroup-sliding'(b) {
    const left = b.stream('left', strings).groupByKey()
    const right = b.stream('right', strings).groupByKey()
    left
      .cogroup(add('L'))
      .cogroup(right, add('R'))
      .windowedBy(sliding(10, { grace: 20 }))
      .aggregate(() => '', { store: 'joined', value: string() })
      .toStream()
      .to('out')
  },
}
