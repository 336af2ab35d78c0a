import { type Topologies, log, strings } from './shared.ts'

export const topologies: Topologies = {
  filter(b) {
    const input = b.stream('in', strings)
    input.filter((_, v) => v === null || v.length > 1).to('out')
  },

  'filter-not'(b) {
    const input = b.stream('in', strings)
    input.filterNot((k, v) => k === null || v === null).to('out')
  },

  map(b) {
    const input = b.stream('in', strings)
    input.map((k, v) => [v, k]).to('out', strings)
  },

  'flat-map'(b) {
    const input = b.stream('in', strings)
    input
      .flatMap((k, v) =>
        v
          .split(',')
          .filter(part => part !== '')
          .map(part => [part, k] as const),
      )
      .to('out', strings)
  },

  'flat-map-values'(b) {
    const input = b.stream('in', strings)
    input
      .flatMapValues(v => (v === null ? ['null', '!'] : v === '' ? [] : v.split(' ')))
      .to('out', strings)
  },

  'fan-out-order'(b) {
    const input = b.stream('in', strings)
    input.to('first')
    input.mapValues(v => `${v}2`).to('second', strings)
    input.filter((_, v) => v !== 'x').to('third')
  },

  diamond(b) {
    const input = b.stream('in', strings)
    const upper = input.mapValues(v => v.toUpperCase())
    input
      .merge(upper)
      .mapValues(v => `${v}.`)
      .to('out', strings)
  },

  'deep-flat-map'(b) {
    const input = b.stream('in', strings)
    input
      .flatMapValues(v => v.split(';'))
      .peek((_, v) => log(v))
      .flatMapValues(v => v.split(','))
      .to('out', strings)
  },

  'split-first-match'(b) {
    const branches = b
      .stream('in', strings)
      .split({ name: 'by-' })
      .branch((_, v) => v !== null && v.length > 2, { name: 'long' })
      .branch((_, v) => v !== null && v.startsWith('x'), { name: 'x' })
      .defaultBranch({ name: 'rest' })
    branches.long.to('long')
    branches.x.to('x')
    branches.rest.to('rest')
  },

  'split-default-index'(b) {
    const branches = b
      .stream('in', strings)
      .split({ name: 'split-' })
      .branch((_, v) => v === '1')
      .branch((_, v) => v === '2')
      .defaultBranch()
    branches[1].to('first')
    branches[2].to('second')
    branches[0].to('default')
  },

  'several-source-topics'(b) {
    const input = b.stream(['left', 'right', 'other'], strings)
    input.mapValues(v => `${v}!`).to('out', strings)
  },

  'same-topic-twice'(b) {
    const one = b.stream('in', strings)
    const two = b.stream('in', strings)
    two.mapValues(v => `two ${v}`).to('two', strings)
    one.mapValues(v => `one ${v}`).to('one', strings)
  },

  repartition(b) {
    const input = b.stream('in', strings)
    input
      .repartition()
      .mapValues(v => `${v}!`)
      .to('out', strings)
  },

  'repartition-named'(b) {
    const input = b.stream('in', strings)
    input
      .selectKey((_, v) => v)
      .repartition({ name: 'by-value', partitions: 3, ...strings })
      .to('out')
  },

  'through-a-topic'(b) {
    const input = b.stream('in', strings)
    input.mapValues(v => `${v}1`).to('middle', strings)
    const middle = b.stream('middle', strings)
    middle.mapValues(v => `${v}2`).to('out', strings)
  },

  'nulls-all-the-way'(b) {
    const input = b.stream('in', strings)
    input
      .filter(() => true)
      .peek(() => {})
      .map((k, v) => [k, v])
      .filterNot(() => false)
      .merge(b.stream('more', strings))
      .selectKey(k => k)
      .to('out', strings)
  },

  'split-chains'(b) {
    const branches = b
      .stream('in', strings)
      .split({ name: 's-' })
      .branch((_, v) => v.startsWith('f'), {
        name: 'fun',
        chain: s => s.mapValues(v => `function ${v}`),
      })
      .branch((_, v) => v.startsWith('c'), {
        name: 'con',
        chain: s => s.mapValues(v => `consumer ${v}`).to('consumed', strings),
      })
      .defaultBranch({ name: 'rest', chain: s => s.filter(k => k !== null) })
    branches.fun.to('functions', strings)
    branches.rest.to('others')
    // Java's names begin with that of the split.
    const names = Object.keys(branches).map(name => `s-${name}`)
    log(names.sort().join(' '))
  },

  'pattern-source'(b) {
    b.stream(/in-[a-z]+/, strings)
      .mapValues((v, k) => k + v)
      .to('out', strings)
  },
}
