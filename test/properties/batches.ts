import { type StreamsBuilder, keyValueStore, string } from '../../src/index.ts'

export const text = { key: string(), value: string() }

/** How often batches go out, by each clock. */
export interface Intervals {
  readonly streamTime: number
  readonly wallClock: number
}

/** A processor that gathers the values of each key in a store and hands them on when a punctuator of either clock comes. */
export function batches(builder: StreamsBuilder, { streamTime, wallClock }: Intervals): void {
  const waiting = keyValueStore('waiting', text)
  builder
    .stream('in', text)
    .process(
      context => {
        const store = context.store(waiting)
        const send = (timestamp: number): void => {
          for (const { key, value } of store.rows()) {
            context.forward({ key, value, timestamp, headers: [] })
            store.delete(key)
          }
        }
        context.schedule({ every: streamTime, type: 'streamTime' }, send)
        context.schedule({ every: wallClock, type: 'wallClock' }, send)
        return {
          process: ({ key, value }) => store.put(key, (store.get(key) ?? '') + value),
        }
      },
      { stores: [waiting] },
    )
    .to('out', text)
}

export type BatchInput =
  | { readonly key: string; readonly value: string; readonly timestamp: number }
  | { readonly advance: number }

/** The same, with a list of what is waiting and, for each clock, of all times at which a punctuator may come. */
export function naiveBatches(
  { streamTime, wallClock }: Intervals,
  inputs: readonly BatchInput[],
): { key: string; value: string; timestamp: number }[] {
  const outputs: { key: string; value: string; timestamp: number }[] = []
  const waiting = new Map<string, string>()
  const send = (timestamp: number): void => {
    for (const key of [...waiting.keys()].sort()) {
      outputs.push({ key, value: waiting.get(key) ?? '', timestamp })
    }
    waiting.clear()
  }
  /** Whether a multiple of the interval lies behind the one time and not behind the other. */
  const passes = (every: number, from: number, to: number): boolean =>
    Math.floor(from / every) < Math.floor(to / every)
  let [seen, now] = [-1, 0]
  for (const input of inputs) {
    if ('advance' in input) {
      if (passes(wallClock, now, now + input.advance)) send(now + input.advance)
      now += input.advance
      continue
    }
    waiting.set(input.key, (waiting.get(input.key) ?? '') + input.value)
    const time = Math.max(seen, input.timestamp)
    if (seen === -1 || passes(streamTime, seen, time)) send(time)
    seen = time
  }
  return outputs
}
