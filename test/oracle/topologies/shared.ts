import {
  type KTable,
  type Materialized,
  type FixedKeyProcessor,
  type FixedKeyProcessorContext,
  type FixedKeyRecord,
  type Processor,
  type ProcessorContext,
  type StreamRecord,
  type StreamsBuilder,
  type TopologyBuilder,
  long,
  string,
} from '../../../src/index.ts'

/**
 * The topologies of the recorded scenarios, by name: those whose operators Millrace has. One that is made by hand is
 * returned.
 */
export type Topologies = Record<string, BuildTopology>

export type BuildTopology = (b: StreamsBuilder, t: TopologyBuilder) => unknown

/** What `log` was called with since it was last emptied. */
export const lines: string[] = []

/** Notes a line where the Java topology does: it shows the calls of user functions. */
export function log(line: string | null): void {
  lines.push(String(line))
}

/** The default serdes of the scenarios. */
export const strings = { key: string(), value: string() }

export const longs = { key: string(), value: long() }

/** The last n characters. */
export const tail = (text: string, n: number): string => text.slice(-n)

type Process = (record: StreamRecord<string, string>) => void

/** A processor of strings: the outer function runs in init, the inner one for each record. */
export const processor =
  (init: (context: ProcessorContext<string, string>) => Process) =>
  (context: ProcessorContext<string, string>): Processor<string, string> => ({
    process: init(context),
  })

/** A join of tables by their keys, of any kind. */
export function joinTables<K, V, VT, V2>(
  join: 'join' | 'leftJoin' | 'outerJoin',
  left: KTable<K, V>,
  right: KTable<K, VT>,
  joiner: (value: V | null, other: VT | null, key: K) => V2 | null,
  options?: Materialized<K, V2>,
): KTable<K, V2> {
  if (join === 'join') return left.join(right, joiner, options)
  return join === 'leftJoin'
    ? left.leftJoin(right, joiner, options)
    : left.outerJoin(right, joiner, options)
}

/** Rows as "key=value key=value". */
export const text = (rows: Iterable<readonly [unknown, unknown]>): string =>
  [...rows].map(([key, value]) => `${String(key)}=${String(value)}`).join(' ')

/** Notes its life. */
export const lifeCycle =
  (name: string) =>
  (context: ProcessorContext<string, string>): Processor<string, string> => {
    log(`init ${name}`)
    return {
      process(record) {
        log(`process in ${name}`)
        context.forward(record)
      },
      close: () => log(`close ${name}`),
    }
  }

/** Holds records back until one with the value "flush" comes, then forwards them within that one call. */
export function batcher(
  context: FixedKeyProcessorContext<string, string>,
): FixedKeyProcessor<string, string> {
  let held: FixedKeyRecord<string, string>[] = []
  return {
    process(record) {
      if (record.value !== 'flush') held.push(record)
      else {
        for (const each of held) context.forward(each)
        held = []
      }
    },
  }
}
