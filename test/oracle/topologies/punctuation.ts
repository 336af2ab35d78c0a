import {
  type FixedKeyRecord,
  type ScheduleOptions,
  type StreamsBuilder,
  tumbling,
} from '../../../src/index.ts'
import { type Topologies, processor, strings } from './shared.ts'

/** What a tick of a punctuator looks like in these scenarios. */
const tick = (key: string, value: string, timestamp: number) => ({
  key,
  value,
  timestamp,
  headers: [],
})

export const topologies: Topologies = {
  'punctuate-stream': everyTen,
  'punctuate-stream-jump': everyTen,

  'punctuate-wall': everyHundred,
  'punctuate-wall-jump': everyHundred,

  'punctuate-anchored-wall': b => anchored(b, 1050),
  'punctuate-anchored-wall-past': b => anchored(b, 20),

  'punctuate-both'(b) {
    b.stream('in', strings)
      .process(
        processor(context => {
          context.schedule({ every: 10, type: 'streamTime' }, t =>
            context.forward(tick('stream', `at ${t}`, t)),
          )
          context.schedule({ every: 10, type: 'wallClock' }, t =>
            context.forward(tick('wall', `at ${t}`, t)),
          )
          return record => context.forward(record)
        }),
      )
      .to('out', strings)
  },

  'punctuate-cancel'(b) {
    b.stream('in', strings)
      .process(
        processor(context => {
          const ticks = context.schedule({ every: 10, type: 'streamTime' }, t =>
            context.forward(tick('tick', `at ${t}`, t)),
          )
          return record => {
            context.forward(record)
            if (record.value === 'stop') ticks.cancel()
          }
        }),
      )
      .to('out', strings)
  },

  // Java's metadata in a punctuator has no topic, partition -1 and offset -1; here there is none, as is documented there.
  'punctuate-context'(b) {
    b.stream('in', strings)
      .process(
        processor(context => {
          const look = (): string => {
            const { topic = null, partition = -1, offset = -1 } = context.recordMetadata ?? {}
            const place = `${topic} ${partition} ${offset}`
            return `${place}, stream ${context.currentStreamTimeMs}, wall ${context.currentSystemTimeMs}`
          }
          context.schedule({ every: 10, type: 'streamTime' }, t =>
            context.forward(tick('tick', look(), t)),
          )
          context.schedule({ every: 10, type: 'wallClock' }, t =>
            context.forward(tick('tock', look(), t)),
          )
          return record => context.forward({ ...record, value: look() })
        }),
      )
      .to('out', strings)
  },

  'punctuate-into-window'(b) {
    b.stream('in', strings)
      .processValues(context => {
        let last: FixedKeyRecord<string, string> | undefined
        context.schedule({ every: 10, type: 'wallClock' }, t => {
          if (last !== undefined) context.forward(last.withValue('again').withTimestamp(t))
        })
        return {
          process(record) {
            last = record
            context.forward(record)
          },
        }
      })
      .groupByKey(strings)
      .windowedBy(tumbling(10))
      .reduce((agg, v) => `${agg},${v}`, { store: 'joined' })
      .toStream()
      .to('out')
  },

  'punctuate-order'(b) {
    b.stream('in', strings)
      .process(
        processor(context => {
          for (const [name, every] of [
            ['twenty', 20],
            ['fifteen', 15],
            ['seven', 7],
          ] as const) {
            context.schedule({ every, type: 'wallClock' }, t =>
              context.forward(tick(name, `at ${t}`, t)),
            )
          }
          return record => context.forward(record)
        }),
      )
      .to('out', strings)
  },

  'punctuate-two-processors'(b) {
    for (const side of ['left', 'right']) {
      b.stream(side, strings)
        .process(
          processor(context => {
            context.schedule({ every: 10, type: 'streamTime' }, t =>
              context.forward(tick(`${side} tick`, `at ${t}`, t)),
            )
            return () => {}
          }),
        )
        .to('out', strings)
    }
    b.stream('left', strings)
      .leftJoin(b.stream('right', strings).toTable({ store: 'one-task' }), l => l)
      .filter(() => false)
      .to('out', strings)
  },
}

function everyTen(b: StreamsBuilder): void {
  ticking(b, { every: 10, type: 'streamTime' })
}

function everyHundred(b: StreamsBuilder): void {
  ticking(b, { every: 100, type: 'wallClock' })
}

function anchored(b: StreamsBuilder, startAt: number): void {
  ticking(b, { startAt, every: 100, type: 'wallClock' })
}

function ticking(b: StreamsBuilder, options: ScheduleOptions): void {
  b.stream('in', strings)
    .process(
      processor(context => {
        context.schedule(options, t => context.forward(tick('tick', `at ${t}`, t)))
        return record => context.forward(record)
      }),
    )
    .to('out', strings)
}
