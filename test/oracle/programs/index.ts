import type { StreamsBuilder } from '../../../src/index.ts'
import type { SeededRandom } from '../../../src/platform/simulated/seeded-random.ts'
import { aggregations } from './aggregations.ts'
import { as, type Built, type Call, javaType, type Program, type Shape } from './program.ts'
import { cogroup } from './cogroup.ts'
import { foreignKeyJoins } from './foreign-key-joins.ts'
import { processors } from './processors.ts'
import { pick } from './random-choice.ts'
import { sources } from './sources.ts'
import { stateless } from './stateless.ts'
import { streamJoins } from './stream-joins.ts'
import { suppress } from './suppress.ts'
import { tables } from './tables.ts'

export type { Program } from './program.ts'

/** The families of calls, of which a search may take some. */
export const callFamilies: Readonly<Record<string, Readonly<Record<string, Call<object>>>>> = as({
  sources,
  stateless,
  aggregations,
  tables,
  streamJoins,
  processors,
  cogroup,
  suppress,
  foreignKeyJoins,
})

const calls: Readonly<Record<string, Call<object>>> = as(
  Object.assign({}, ...Object.values(callFamilies)),
)

function callOf(name: string): Call<object> {
  const call = calls[name]
  if (call === undefined) throw new Error(`programs have no call ${name}`)
  return call
}

/** The shapes of the results. */
function shapesOf(program: Program): Shape[] {
  const shapes: Shape[] = []
  for (const { call, on, with: options } of program) {
    shapes.push(callOf(call).gives(options, at(shapes, on)))
  }
  return shapes
}

function at<T>(list: readonly T[], places: readonly number[]): T[] {
  return places.map(place => {
    const item = list[place]
    if (place >= list.length || place < 0)
      throw new Error(`a program refers to ${place}, which is not there`)
    // oxlint-disable-next-line typescript/no-non-null-assertion
    return item!
  })
}

/** The program as the body of a Java method. */
export function toJava(program: Program): string[] {
  const shapes = shapesOf(program)
  return program.flatMap(({ call, on, with: options }, i) => {
    const { before, java } = callOf(call)
    const text = java(
      options,
      on.map(place => `h${place}`),
      at(shapes, on),
    )
    const shape = shapes[i]
    return [
      ...(before === undefined ? [] : [before(options)]),
      shape === undefined || shape.kind === 'nothing'
        ? `${text};`
        : `${javaType(shape)} h${i} = ${text};`,
    ]
  })
}

/** Makes the calls of the program. */
export function buildProgram(program: Program): (builder: StreamsBuilder) => void {
  const shapes = shapesOf(program)
  return builder => {
    const built: Built[] = []
    for (const { call, on, with: options } of program) {
      built.push(as(callOf(call).build(options, at(built, on), at(shapes, on), builder)))
    }
  }
}

export interface Limits {
  /** Calls beside the sources and the sinks. */
  readonly calls: number
  /** Names of calls that may be drawn; `stream` and `to` always. */
  readonly of: readonly string[]
  /** How many calls may need an internal topic, as the order among several is not a matter of semantics. */
  readonly repartitions: number
}

/** Calls that write to a repartition topic of their own. */
const repartitioning = new Set(['repartition', 'foreignKeyJoin', 'foreignKeyLeftJoin'])
const rekeying = new Set([
  'processLater',
  'processStore',
  'selectKey',
  'map',
  'flatMap',
  'unwindow',
  'groupBy',
  'tableGroupBy',
  'windowsGroupBy',
])
/** Calls that need one if the key was changed before. */
const needsKey = new Set([
  'toTable',
  'streamTableJoin',
  'streamTableLeftJoin',
  'streamVersionedJoin',
  'streamVersionedLeftJoin',
  'cogroupAggregate',
  'streamJoin',
  'streamLeftJoin',
  'streamOuterJoin',
  'count',
  'reduce',
  'aggregate',
  'tableCount',
  'tableReduce',
  'tableAggregate',
])

/** A program of random calls, in which every stream and table ends in a topic. */
export function randomProgram(random: SeededRandom, limits: Limits): Program {
  const program: Program = []
  const shapes: Shape[] = []
  const rekeyed = new Set<number>()
  const used = new Set<number>()
  let names = 0
  let repartitions = 0
  const draw = {
    random,
    topics: (): string[] =>
      program.flatMap(({ call, with: { topic } }) =>
        call === 'stream' && typeof topic === 'string' ? [topic] : [],
      ),
    fresh: (prefix: string): string => `${prefix}${prefix.endsWith('-') ? '' : '-'}${names++}`,
  }

  const add = (name: string): boolean => {
    const call = callOf(name)
    const on: number[] = []
    for (const fits of call.on) {
      // In Java a cogrouped stream is changed by cogroup, here it is another one: it is used once, with a group of its own.
      const once = name.startsWith('cogroup')
      const places = shapes.flatMap((shape, i) =>
        fits(shape) && !(once && (used.has(i) || on.includes(i))) ? [i] : [],
      )
      if (places.length === 0) return false
      on.push(random.chance(0.6) ? (places.at(-1) ?? 0) : pick(places, random))
    }
    const changed = on.filter(place => rekeyed.has(place)).length
    const topics = repartitioning.has(name)
      ? 1
      : needsKey.has(name)
        ? changed
        : name === 'cogroupNext' && changed === 2
          ? 2
          : 0
    if (repartitions + topics > limits.repartitions) return false
    repartitions += topics
    const own = at(shapes, on)
    const options = call.draw(draw, own)
    program.push({ call: name, on, with: as(options) })
    if (rekeying.has(name) || (changed > 0 && topics === 0)) rekeyed.add(shapes.length)
    shapes.push(call.gives(options, own))
    for (const place of on) used.add(place)
    return true
  }

  const sourcesOf = limits.of.filter(name => callOf(name).on.length === 0)
  for (let i = 0; i < 1 + random.below(2); i++) add(pick(['stream', ...sourcesOf], random))
  for (let i = 0, tries = 0; i < limits.calls && tries < 200; tries++) {
    const name = pick(limits.of, random)
    if (callOf(name).on.length === 0 && random.chance(0.7)) continue
    if (add(name)) i++
  }
  // What came last is looked at: a table by its stream, a group by its count.
  for (const [i, shape] of shapes.slice().entries()) {
    if (used.has(i)) continue
    finish(i, shape)
  }
  return program

  function finish(place: number, shape: Shape): void {
    const isEndless = shape.windows === 'unlimited' && shape.kind === 'stream'
    const next = isEndless ? 'unwindow' : endOf[shape.kind]
    if (next === undefined) return
    if (needsKey.has(next) && rekeyed.has(place) && repartitions++ >= limits.repartitions) return
    const options = callOf(next).draw(draw, [shape])
    program.push({ call: next, on: [place], with: as(options) })
    const result = callOf(next).gives(options, [shape])
    shapes.push(result)
    finish(shapes.length - 1, result)
  }
}

/** The call by which a result is looked at. */
const endOf: Readonly<Record<Shape['kind'], string | undefined>> = {
  stream: 'to',
  table: 'toStream',
  globalTable: undefined,
  groupedStream: 'count',
  groupedTable: 'tableCount',
  timeWindowed: 'count',
  sessionWindowed: 'count',
  cogrouped: 'cogroupAggregate',
  windowedCogrouped: 'cogroupAggregate',
  sessionCogrouped: 'cogroupAggregate',
  nothing: undefined,
}

/** The program without a call and all that is called on its result. */
export function without(program: Program, gone: number): Program {
  const left = new Map<number, number>()
  const smaller: Program = []
  for (const [i, statement] of program.entries()) {
    const on = statement.on.map(place => left.get(place) ?? -1)
    if (i === gone || on.includes(-1)) continue
    left.set(i, smaller.length)
    smaller.push({ ...statement, on })
  }
  return smaller
}

/** The topics that the program reads and writes by name, with their formats. */
export function topicsOf(program: Program): Record<string, { key: string; value: string }> {
  const shapes = shapesOf(program)
  const topics: Record<string, { key: string; value: string }> = {}
  for (const [i, { call, on, with: options }] of program.entries()) {
    const shape = call === 'to' ? at(shapes, on)[0] : shapes[i]
    const { topic, rest }: { topic?: string; rest?: string } = options
    if (shape === undefined) continue
    const { windowMs, windows } = shape
    const key =
      windowMs === undefined
        ? 'string'
        : windows === 'session'
          ? 'session'
          : `windowed(${windowMs})`
    if (topic !== undefined) topics[topic] = { key, value: shape.value }
    if (rest !== undefined) topics[rest] = { key, value: shape.value }
  }
  return topics
}

/** The topics that the program reads. */
export const inputsOf = (program: Program): string[] =>
  program.flatMap(({ with: { topic }, on }) =>
    on.length === 0 && typeof topic === 'string' ? [topic] : [],
  )
