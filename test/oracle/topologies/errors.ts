import { type Serde, string } from '../../../src/index.ts'
import { type Topologies, processor, strings } from './shared.ts'

/** A string serde that fails when it reads text beginning with "bad" or writes text beginning with "unsendable". */
export const fussy: Serde<string> = {
  name: 'fussy',
  serialize(value) {
    if (value.startsWith('unsendable')) throw new Error(`cannot write ${value}`)
    return string().serialize(value)
  },
  deserialize(bytes) {
    const text = string().deserialize(bytes)
    if (text.startsWith('bad')) throw new Error(`cannot read ${text}`)
    return text
  },
}

/** Null fails it, too, as it does what calls `equals` in Java. */
export function refuseBoom(v: string | null): string {
  if (v === null || v === 'boom') throw new Error(`no ${v}`)
  return v
}

export const topologies: Topologies = {
  'read-continue'(b) {
    b.stream('in', { key: string(), value: fussy }).to('out', strings)
  },

  'read-dead-letter'(b) {
    b.stream('in', { key: string(), value: fussy }).to('out', strings)
  },

  'process-continue'(b) {
    const input = b.stream('in', strings)
    input.mapValues(v => `first ${v}`).to('first', strings)
    input.mapValues(v => `second ${refuseBoom(v)}`).to('second', strings)
    input.mapValues(v => `third ${v}`).to('third', strings)
  },

  'process-continue-flat-map'(b) {
    const input = b.stream('in', strings)
    input
      .flatMapValues(v => v.split(' '))
      .filter((_, v) => refuseBoom(v) === v)
      .to('out', strings)
  },

  'process-continue-punctuator'(b) {
    b.stream('in', strings)
      .process(
        processor(context => {
          context.schedule({ every: 10, type: 'wallClock' }, t => {
            const tick = { key: 'tick', timestamp: t, headers: [] }
            context.forward({ ...tick, value: `before ${t}` })
            if (t === 20) throw new Error('no tick')
            context.forward({ ...tick, value: `after ${t}` })
          })
          return record => context.forward(record)
        }),
      )
      .to('out', strings)
  },

  'process-fail'(b) {
    const input = b.stream('in', strings)
    input.mapValues(refuseBoom).to('out', strings)
  },

  'process-continue-aggregate'(b) {
    const input = b.stream('in', strings)
    input
      .groupByKey()
      .aggregate(
        () => '',
        (_, v, aggregate) => aggregate + refuseBoom(v),
        { store: 'joined', value: string() },
      )
      .toStream()
      .to('out')
  },

  'process-continue-below-store'(b) {
    const input = b.stream('in', strings)
    const joined = input.groupByKey().reduce((aggregate, v) => aggregate + v, { store: 'joined' })
    joined
      .toStream()
      .mapValues(v => {
        if (v.endsWith('!')) throw new Error(`no ${v}`)
        return v
      })
      .to('out', strings)
    joined.toStream().to('all')
  },

  'process-dead-letter'(b) {
    const input = b.stream('in', strings)
    input
      .mapValues(v => `${v}!`)
      .selectKey((k, v) => {
        if (v === 'boom!') throw new Error(`no ${v}`)
        return k + v
      })
      .to('out', strings)
  },

  'write-continue'(b) {
    const input = b.stream('in', strings)
    input.to('out', { key: string(), value: fussy })
  },

  'write-continue-repartition'(b) {
    const input = b.stream('in', strings)
    input
      .selectKey((_, v) => v)
      .repartition({ name: 'by-value', key: string(), value: fussy })
      .to('out', strings)
  },
}
