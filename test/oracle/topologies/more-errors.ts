import { type StreamsBuilder, hopping, joinWindows, sessions, string } from '../../../src/index.ts'
import { fussy, refuseBoom } from './errors.ts'
import { type Topologies, processor, strings } from './shared.ts'

const fussyValues = { key: string(), value: fussy }

/** Topologies of our own questions to Kafka Streams: `more/`. */
export const topologies: Topologies = {
  'dlq-after-sibling-sink'(b) {
    const input = b.stream('in', strings)
    input.mapValues(v => `first ${v}`).to('first', strings)
    input.mapValues(refuseBoom).to('out', strings)
  },

  'dlq-after-repartition'(b) {
    b.stream('in', strings)
      .selectKey((_, v) => v)
      .repartition({ ...strings, name: 'r' })
      .mapValues(refuseBoom)
      .to('out', strings)
  },

  'dlq-read-key'(b) {
    b.stream('in', { key: fussy, value: string() }).to('out', strings)
  },

  'dlq-fail'(b) {
    b.stream('in', strings).mapValues(refuseBoom).to('out', strings)
  },

  'dlq-write-continue': writes,
  'write-fail-source': writes,

  'write-fail-process-continue'(b) {
    const mapped = b.stream('in', strings).mapValues(v => v)
    mapped.to('first', strings)
    mapped.to('out', fussyValues)
    mapped.to('third', strings)
  },

  'dlq-punctuator'(b) {
    b.stream('in', strings).process(failingTick('wallClock')).to('out', strings)
  },

  'dlq-punctuator-stream'(b) {
    b.stream('in', strings).process(failingTick('streamTime')).to('out', strings)
  },

  'dlq-forward-from-punctuator'(b) {
    b.stream('in', strings)
      .process(
        processor(context => {
          context.schedule({ every: 10, type: 'wallClock' }, timestamp => {
            const tick = { key: 'tick', timestamp, headers: [] }
            context.forward({ ...tick, value: 'boom' })
            context.forward({ ...tick, value: 'fine' })
          })
          return record => context.forward(record)
        }),
      )
      .mapValues(refuseBoom)
      .to('out', strings)
  },

  'dlq-changed-headers'(b) {
    b.stream('in', strings)
      .process(
        processor(context => ({ value, headers }) => {
          const added = { key: 'added', value: Buffer.from('x') }
          context.forward({ key: 'other', value, timestamp: 77, headers: [...headers, added] })
        }),
      )
      .mapValues(refuseBoom)
      .to('out', strings)
  },

  'continue-table'(b) {
    b.table('in', { ...strings, store: 't' })
      .mapValues(refuseBoom, { store: 'm', ...strings })
      .toStream()
      .to('out')
  },

  'continue-join'(b) {
    const left = b.stream('left', strings)
    const right = b.table('right', strings)
    left.join(right, (x, y) => x + refuseBoom(y)).to('out', strings)
  },

  'continue-reduce'(b) {
    b.stream('in', strings)
      .groupByKey()
      .reduce((aggregate, v) => aggregate + refuseBoom(v), { store: 's' })
      .toStream()
      .to('out')
  },

  'continue-initializer'(b) {
    b.stream('in', strings)
      .groupByKey()
      .windowedBy(hopping(10, { advance: 5 }))
      .aggregate(
        () => '',
        (_, v, aggregate) => aggregate + (aggregate === '1' ? refuseBoom(v) : v),
        { store: 's', value: string() },
      )
      .toStream()
      .to('out')
  },

  'continue-null-map'(b) {
    b.stream('in', strings)
      .map((k, v): [string, string] => [k, refuseBoom(v)])
      .to('out', strings)
  },

  'continue-null-flat-values'(b) {
    b.stream('in', strings)
      .flatMapValues(v => [refuseBoom(v)])
      .to('out', strings)
  },

  'continue-partitioner'(b) {
    b.stream('in', strings)
      .mapValues(v => v)
      .to('out', { ...strings, partitioner: (_, v) => (refuseBoom(v) === v ? 0 : 1) })
  },

  'dlq-outer-join'(b) {
    const left = b.stream('left', strings)
    const right = b.stream('right', strings)
    left
      .leftJoin(right, (x, y) => `${x}${y}`, joinWindows(10), { ...strings, name: 'j' })
      .mapValues(refuseAnyBoom)
      .to('out', strings)
  },

  'dlq-session'(b) {
    b.stream('in', strings)
      .groupByKey()
      .windowedBy(sessions(10))
      .reduce((aggregate, v) => aggregate + v, { store: 's' })
      .toStream()
      .selectKey(({ key }) => key)
      .filter((_, v) => v !== null)
      .mapValues(refuseAnyBoom)
      .to('out', strings)
  },

  'dlq-merged-session-tombstone'(b) {
    b.stream('in', strings)
      .groupByKey()
      .windowedBy(sessions(10))
      .reduce((aggregate, v) => aggregate + v, { store: 's' })
      .toStream()
      .selectKey(({ key }) => key)
      .mapValues((v: string | null) => {
        if (v === null) throw new Error('null')
        return v
      })
      .to('out', strings)
  },

  'dlq-grace': joinedWithGrace,
  'dlq-grace-late': joinedWithGrace,

  'dlq-table-table'(b) {
    const left = b.table('left', { ...strings, store: 'l' })
    const right = b.table('right', { ...strings, store: 'r' })
    left
      .join(right, (x, y) => x + acceptRow(y))
      .toStream()
      .to('out', strings)
  },

  'dlq-foreign-key'(b) {
    const left = b.table('left', { ...strings, store: 'l' })
    const right = b.table('right', { ...strings, store: 'r' })
    left
      .join(
        right,
        v => v,
        (x, y) => x + acceptRow(y),
      )
      .toStream()
      .to('out', strings)
  },

  'dlq-group-table'(b) {
    b.table('in', { ...strings, store: 't' })
      .groupBy((_, v) => [v.slice(0, 1), v], strings)
      .reduce(
        (aggregate, v) => {
          if (v.includes('boom')) throw new Error('add')
          return aggregate + v
        },
        (aggregate, v) => {
          if (v.includes('stuck')) throw new Error('sub')
          return `${aggregate}-${v}`
        },
        { store: 's' },
      )
      .toStream()
      .to('out')
  },

  'read-repartition'(b) {
    b.stream('in', strings)
      .selectKey((_, v) => v)
      .repartition({ ...fussyValues, name: 'r' })
      .to('out', strings)
  },

  'serde-store-continue'(b) {
    b.stream('in', strings)
      .groupByKey()
      .reduce((_, v) => v, { store: 's', value: fussy })
      .toStream()
      .to('out', strings)
  },
}

function acceptRow(row: string): string {
  if (row === 'boom') throw new Error('no')
  return row
}

function refuseAnyBoom(v: string): string {
  if (v.includes('boom')) throw new Error(`no ${v}`)
  return v
}

function joinedWithGrace(b: StreamsBuilder): void {
  const input = b.stream('in', strings)
  const table = b.table('table', { ...strings, store: 'v', historyRetention: 1000 })
  input
    .join(table, (x, y) => x + y, { ...strings, grace: 10, name: 'g' })
    .mapValues(refuseAnyBoom)
    .to('out', strings)
}

function writes(b: StreamsBuilder): void {
  b.stream('in', strings).to('out', fussyValues)
}

function failingTick(type: 'streamTime' | 'wallClock') {
  return processor(context => {
    context.schedule({ every: 10, type }, () => {
      throw new Error('no tick')
    })
    return record => context.forward(record)
  })
}
