import { z } from 'zod'

import {
  type GlobalKTable,
  type KGroupedStream,
  type KGroupedTable,
  type KStream,
  type KTable,
  type Serde,
  type StreamsBuilder,
  long,
  sessionWindowed,
  string,
  windowed,
} from '../../../src/index.ts'
import type { SeededRandom } from '../../../src/platform/simulated/seeded-random.ts'

/** A topology as data: calls in their order, each on the results of earlier ones. */
export const program = z.array(
  z.object({ call: z.string(), on: z.array(z.number()), with: z.record(z.string(), z.unknown()) }),
)
export type Program = z.infer<typeof program>

/** What a handle of the DSL stands for. */
export interface Shape {
  readonly kind:
    | 'stream'
    | 'table'
    | 'globalTable'
    | 'groupedStream'
    | 'groupedTable'
    | 'timeWindowed'
    | 'sessionWindowed'
    | 'cogrouped'
    | 'windowedCogrouped'
    | 'sessionCogrouped'
    | 'nothing'
  /** Size of the windows of its keys, or gap of the sessions; undefined for plain string keys. */
  readonly windowMs?: number
  /** What windows these are, where not tumbling or hopping ones. */
  readonly windows?: 'sliding' | 'session' | 'unlimited'
  readonly value: 'string' | 'long'
  /** Grace of the windows above it, which the stores of windows must keep. */
  readonly graceMs?: number
  /** For how long a table knows the versions of its rows. */
  readonly historyMs?: number
  /** Nothing says how its values become bytes. */
  readonly serdeless?: true
}

/** A handle. The types of keys and values are those of the shape, so here they are not told apart. */
export type Built =
  | KStream<string, string>
  | KTable<string, string>
  | GlobalKTable<string, string>
  | KGroupedStream<string, string>
  | KGroupedTable<string, string>
  | undefined

/** One call of the DSL: how it is drawn, written in Java and made in TypeScript. */
export interface Call<With extends object> {
  /** The shapes that it is called on: the receiver, then its arguments; undefined where it does not fit. */
  on: readonly ((shape: Shape) => boolean)[]
  draw: (draw: Draw, on: readonly Shape[]) => With
  gives: (options: With, on: readonly Shape[]) => Shape
  java: (options: With, on: readonly string[], shapes: readonly Shape[]) => string
  /** A statement in Java before the call. */
  before?: (options: With) => string
  build: (
    options: With,
    on: readonly Built[],
    shapes: readonly Shape[],
    b: StreamsBuilder,
  ) => unknown
}

/** What calls are drawn with. */
export interface Draw {
  readonly random: SeededRandom
  /** The topics that are streams already. */
  readonly topics: () => readonly string[]
  /** A name that nothing else has. */
  readonly fresh: (prefix: string) => string
}

/** Sees a value as what the shape says it is. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters
export const as = <T>(value: unknown): T =>
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  value as T

export const stream = (built: Built): KStream<string, string> => as(built)
export const table = (built: Built): KTable<string, string> => as(built)

export interface Serdes {
  readonly key: Serde<string>
  readonly value: Serde<string>
}

export function serdes({ windowMs, windows, value }: Shape): Serdes {
  const key = windows === 'session' ? sessionWindowed(string()) : windowed(string(), windowMs ?? 1)
  return {
    key: windowMs === undefined ? string() : as(key),
    value: value === 'string' ? string() : as(long()),
  }
}

/** "STRING, LONG": the arguments of the same serdes in Java. */
export const javaSerdes = (shape: Shape): string => `${javaKeySerde(shape)}, ${javaSerde(shape)}`

export const javaKeySerde = ({ windowMs, windows }: Shape): string =>
  windowMs === undefined
    ? 'STRING'
    : windows === 'session'
      ? 'sessionWindowed()'
      : `timeWindowed(${windowMs})`

export const javaSerde = ({ value }: Shape): string => (value === 'string' ? 'STRING' : 'LONG')

/** The type of a handle in Java. */
export function javaType(shape: Shape): string {
  const { kind, windowMs } = shape
  const isOfWindows = windowMs !== undefined && (kind === 'stream' || kind === 'table')
  const key = isOfWindows ? 'Windowed<String>' : 'String'
  return `${javaKinds[kind]}<${key}, ${javaValue(shape)}>`
}

const javaKinds: Readonly<Record<Shape['kind'], string>> = {
  stream: 'KStream',
  table: 'KTable',
  globalTable: 'GlobalKTable',
  groupedStream: 'KGroupedStream',
  groupedTable: 'KGroupedTable',
  timeWindowed: 'TimeWindowedKStream',
  sessionWindowed: 'SessionWindowedKStream',
  cogrouped: 'CogroupedKStream',
  windowedCogrouped: 'TimeWindowedCogroupedKStream',
  sessionCogrouped: 'SessionWindowedCogroupedKStream',
  nothing: 'void',
}

export const javaValue = ({ value }: Shape): string => (value === 'string' ? 'String' : 'Long')

export const isStream = ({ kind }: Shape): boolean => kind === 'stream'
export const isTable = ({ kind }: Shape): boolean => kind === 'table'
export const isPlain = ({ windowMs }: Shape): boolean => windowMs === undefined
export const isText = ({ value }: Shape): boolean => value === 'string'
export const isPlainStream = (shape: Shape): boolean =>
  isStream(shape) && isPlain(shape) && isText(shape)
export const isPlainTable = (shape: Shape): boolean =>
  isTable(shape) && isPlain(shape) && isText(shape)

/** `Named.as("x")` as one more argument, where a name was drawn. */
export const javaNamed = (name: string | undefined): string =>
  name === undefined ? '' : `, Named.as("${name}")`

export const named = (name: string | undefined): { name?: string } =>
  name === undefined ? {} : { name }

/** A name for some. */
export const maybeName = ({ random, fresh }: Draw): { name?: string } =>
  random.chance(0.25) ? { name: fresh('node') } : {}
