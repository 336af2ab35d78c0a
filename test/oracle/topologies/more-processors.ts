import {
  type Cancellable,
  type SessionStore,
  keyValueStore,
  sessionStore,
  timestampedKeyValueStore,
  windowStore,
} from '../../../src/index.ts'
import { windowsByHand } from './processors.ts'
import { type Topologies, processor, strings, text } from './shared.ts'

const tick = (key: string, value: string, timestamp: number) => ({
  key,
  value,
  timestamp,
  headers: [],
})

const nothing = () => ({ process() {} })

/** Topologies of our own questions to Kafka Streams: `more/`. */
export const topologies: Topologies = {
  'anchored-stream-time'(b) {
    b.stream('in', strings)
      .process(
        processor(context => {
          const at = (startAt: number, key: string): void => {
            context.schedule({ startAt, every: 10, type: 'streamTime' }, t =>
              context.forward(tick(key, `at ${t}`, t)),
            )
          }
          at(25, 'init')
          return record => {
            if (record.value === 'start') {
              at(7, 'late')
              at(100, 'hundred')
            }
            context.forward(record)
          }
        }),
      )
      .to('out', strings)
  },

  'scheduled-in-process'(b) {
    b.stream('in', strings)
      .process(
        processor(context => record => {
          context.schedule({ every: 10, type: 'streamTime' }, t =>
            context.forward(tick(`stream ${record.value}`, `at ${t}`, t)),
          )
          context.schedule({ every: 100, type: 'wallClock' }, t =>
            context.forward(tick(`wall ${record.value}`, `at ${t}`, t)),
          )
          context.forward(record)
        }),
      )
      .to('out', strings)
  },

  'cancelled-in-punctuators'(b) {
    b.stream('in', strings)
      .process(
        processor(context => {
          const all: Cancellable[] = [0, 1, 2, 3].map(n =>
            context.schedule({ every: 10, type: 'streamTime' }, t => {
              context.forward(tick(`tick ${n}`, `at ${t}`, t))
              if (n === 1 && t >= 10) all[1]?.cancel()
              if (n === 3 && t >= 20) all[2]?.cancel()
            }),
          )
          return record => context.forward(record)
        }),
      )
      .to('out', strings)
  },

  'many-ties'(b) {
    b.stream('in', strings)
      .process(
        processor(context => {
          for (const [i, every] of [10, 20, 10, 30, 20, 10, 10].entries()) {
            const name = `${i} every ${every}`
            context.schedule({ every, type: 'wallClock' }, t =>
              context.forward(tick(name, `at ${t}`, t)),
            )
            context.schedule({ every, type: 'streamTime' }, t =>
              context.forward(tick(name, `stream ${t}`, t)),
            )
          }
          return () => {}
        }),
      )
      .to('out', strings)
  },

  'children-of-punctuators': (_, t) =>
    t
      .addSource('source', 'in', strings)
      .addProcessor(
        'first',
        processor(context => {
          context.schedule({ every: 10, type: 'streamTime' }, now => {
            context.forward(tick('all', `at ${now}`, now))
            context.forward(tick('one', `at ${now}`, now), 'left')
          })
          return record => context.forward(record, 'second')
        }),
        'source',
      )
      .addProcessor(
        'second',
        processor(context => {
          context.schedule({ every: 20, type: 'streamTime' }, now =>
            context.forward(tick('second', `at ${now}`, now)),
          )
          return record => context.forward({ ...record, value: `${record.value}2` })
        }),
        'first',
      )
      .addSink('left', 'left-out', ['first', 'second'], strings)
      .addSink('right', 'right-out', ['first', 'second'], strings),

  'unknown-child': (_, t) =>
    t
      .addSource('source', 'in', strings)
      .addProcessor(
        'route',
        processor(context => record => context.forward(record, 'nobody')),
        'source',
      )
      .addSink('sink', 'out', 'route', strings),

  'timestamped-store'(b) {
    const definition = timestampedKeyValueStore('rows', strings)
    b.stream('in', strings)
      .process(
        processor(context => {
          const rows = context.store(definition)
          return record => {
            const { key, value, timestamp } = record
            const old = rows.get(key)
            if (value === null) rows.put(key, null, timestamp)
            else if (old === undefined || old.timestamp <= timestamp)
              rows.put(key, value, timestamp)
            const all = [...rows.rows({ reverse: true })]
            const shown = all.map(row => `${row.key}=${row.value}@${row.timestamp} `).join('')
            context.forward({ ...record, value: shown })
          }
        }),
        { stores: [definition] },
      )
      .to('out', strings)
  },

  'session-store'(b) {
    const definition = sessionStore('sessions', { ...strings, retention: 100 })
    b.stream('in', strings)
      .process(
        processor(context => {
          const store = context.store(definition)
          return record =>
            context.forward({
              ...record,
              value: `${record.value}: ${sessionAnswer(store, record.key, record.value, record.timestamp)}`,
            })
        }),
        { stores: [definition] },
      )
      .to('out', strings)
  },

  'in-memory-window-store'(b) {
    const span = { retention: 100, windowSize: 10 }
    windowsByHand(b, windowStore('windows', { ...strings, ...span, inMemory: true }))
  },

  'stores-of-the-supplier'(b) {
    const last = keyValueStore('last', { ...strings, inMemory: true })
    b.stream('in', strings).process(
      context => {
        const store = context.store(last)
        return { process: ({ key, value }) => store.put(key, value) }
      },
      { name: 'writer', stores: [last] },
    )
    b.stream('ask', strings)
      .processValues<string>(
        context => {
          const store = context.store(last)
          return {
            process(record) {
              const { key, value, timestamp } = record
              const answer = `${value}${store.get(key) ?? null}`
              context.forward(record.withValue(answer).withTimestamp(timestamp + 100))
            },
          }
        },
        { name: 'reader', stores: ['last'] },
      )
      .groupByKey(strings)
      .count({ store: 'counts' })
      .toStream()
      .mapValues(String)
      .to('out', strings)
  },

  'routed-by-context'(b) {
    b.stream('in', strings)
      .flatMapValues(v => [v, v + v])
      .to((_, _value, { metadata, timestamp, headers }) => {
        const { topic = '', partition = -1, offset = -1 } = metadata ?? {}
        const end = headers.some(({ key }) => key === 'h') ? '-h' : ''
        return `out-${topic}-${partition}-${offset}-${timestamp % 2}${end}`
      }, strings)
  },

  'partitioner-names-none'(b) {
    b.stream('in', strings).to('out', {
      partitioner: (_, v) => (v === 'none' ? [] : v === 'zero' ? [0] : null),
    })
  },

  'two-patterns'(b) {
    const a = b.stream(/a-.*/, { ...strings, name: 'as' })
    const c = b.stream(/c-[0-9]/, strings)
    const again = b.stream(/a-.*/, strings)
    a.merge(c)
      .merge(b.stream(['x', 'y'], strings))
      .mapValues(v => `${v}!`)
      .to('out', strings)
    again.filter((_, v) => v.length > 1).to('long')
  },

  'metadata-from-punctuators'(b) {
    b.stream('in', strings)
      .process(
        processor(context => {
          context.schedule({ every: 10, type: 'streamTime' }, t =>
            context.forward(tick('tick', `at ${t}`, t)),
          )
          return record => context.forward(record)
        }),
      )
      .repartition({ ...strings, name: 'moved' })
      .process(
        processor(context => record => {
          const metadata = context.recordMetadata
          const place = metadata === null ? 'none' : `${metadata.topic} ${metadata.offset}`
          const value = `${record.value} ${place} ${context.currentStreamTimeMs}`
          context.forward({ ...record, value })
        }),
      )
      .to('out', strings)
  },

  'punctuator-over-a-window-store'(b) {
    const definition = windowStore('windows', { ...strings, retention: 50, windowSize: 10 })
    b.stream('in', strings)
      .process(
        processor(context => {
          const store = context.store(definition)
          const all = (): string =>
            text(
              [...store.rows()].map(({ key, windowStart, value }) => [
                `[${key}@${windowStart}/${windowStart + 10}]`,
                value,
              ]),
            )
          context.schedule({ every: 100, type: 'wallClock' }, t => {
            context.forward(tick('before', all(), t))
            store.put('tick', `at ${t}`, t)
            context.forward(tick('after', all(), t))
          })
          return ({ key, value, timestamp }) => void store.put(key, value, timestamp)
        }),
        { stores: [definition] },
      )
      .to('out', strings)
  },

  'names-process'(b) {
    const input = b.stream('in', strings)
    const processed = input.process(nothing)
    const named = input.process(nothing, { name: 'own' })
    processed.groupByKey(strings).count()
    named
      .processValues(nothing)
      .groupByKey(strings)
      .reduce(x => x, { store: 'latest' })
    input
      .processValues(nothing, { name: 'values' })
      .groupByKey(strings)
      .count()
      .toStream()
      .to('out')
    processed
      .merge(named, { name: 'both' })
      .toTable({ name: 'table', ...strings })
      .filter(() => true)
      .toStream()
      .to('table-out')
  },

  'names-process-joined'(b) {
    const left = b.stream('left', strings).process(nothing)
    const right = b.stream('right', strings).processValues(nothing)
    const table = b.table('table', { ...strings, store: 'rows' })
    left.join(table, v => v, strings).to('one', strings)
    right.leftJoin(table, v => v, { name: 'named' }).to('two', strings)
    left.process(nothing, { stores: ['rows'] }).to('three', strings)
  },

  'names-global-stores'(b) {
    const one = keyValueStore('one-store', { ...strings, inMemory: true })
    const two = keyValueStore('two-store', { ...strings, inMemory: true })
    b.addGlobalStore(one, 'one', { ...strings, name: 'given' }, nothing)
    b.stream('in', strings).process(nothing).to('out', strings)
    b.addGlobalStore(two, 'two', strings, nothing)
    b.stream('more', strings).groupByKey().count()
  },

  'names-splits'(b) {
    const input = b.stream('in', strings)
    input
      .split()
      .branch(() => true, { chain: s => s.mapValues(v => v) })
      .branch(() => true, {
        chain(s) {
          s.split({ name: 'inner-' })
            .branch(() => true, { chain: t => t.to('deep') })
            .noDefaultBranch()
        },
      })
      .branch(() => true, { name: 'third' })
      .noDefaultBranch()
    input.split({ name: 'empty' }).noDefaultBranch()
    input.split({ name: 'only-' }).defaultBranch({ chain: s => s.foreach(() => {}) })
    input.print({ write() {} })
  },

  'papi-global-and-read-only': (_, t) =>
    t
      .addGlobalStore(keyValueStore('global', { ...strings, inMemory: true }), {
        source: 'global-source',
        topic: 'global-topic',
        ...strings,
        processor: 'global-writer',
        supplier: nothing,
      })
      .addReadOnlyStateStore(keyValueStore('copy', strings), {
        source: 'copy-source',
        topic: 'copy-topic',
        ...strings,
        processor: 'copy-writer',
        supplier: nothing,
      })
      .addSource('z', ['z1', 'z2'], strings)
      .addSource('a', 'a1', strings)
      .addProcessor('zz', nothing, 'z')
      .addProcessor('aa', nothing, ['a', 'z'])
      .addProcessor('lonely', nothing, 'aa')
      .addStateStore(keyValueStore('unconnected', strings))
      .addSink('out', 'out', ['zz', 'aa', 'lonely'], strings),
}

function sessionAnswer(
  store: SessionStore<string, string>,
  key: string,
  command: string,
  timestamp: number,
): string {
  const [word, first = 0, second = Infinity, value = ''] = command.split(' ')
  const [from, to] = [Number(first), Number(second)]
  const shown = (range: Parameters<typeof store.findSessions>[1]): string =>
    text(
      [...store.findSessions(key, range)].map(row => [
        `[${key}@${row.start}/${row.end}]`,
        row.value,
      ]),
    )
  switch (word) {
    case 'put':
      store.put(key, value, from, to, timestamp)
      return 'done'
    case 'remove':
      store.put(key, null, from, to, timestamp)
      return 'done'
    case 'get':
      return String(store.fetchSession(key, from, to) ?? null)
    case 'find':
      return shown({ earliestEnd: from, latestStart: to })
    case 'backward':
      return shown({ earliestEnd: from, latestStart: to, reverse: true })
    default:
      return shown({})
  }
}
