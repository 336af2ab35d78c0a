import type {
  KGroupedStream,
  KGroupedTable,
  SessionWindowedKStream,
  TimeWindowedKStream,
} from '../../../src/index.ts'
import { hopping, sessions, sliding, tumbling, unlimited } from '../../../src/index.ts'
import { aggregators, of, reducers, selectors } from './functions.ts'
import {
  drawStored,
  leastRetention,
  javaStored,
  type Stored,
  storedOptions,
  storedShape,
} from './materialized.ts'
import {
  as,
  type Built,
  type Call,
  type Draw,
  isPlain,
  isPlainStream,
  isStream,
  isText,
  javaSerdes,
  named,
  serdes,
  type Shape,
  stream,
} from './program.ts'
import { key, pick } from './random-choice.ts'
import { nothing } from './stateless.ts'

export type WithStored<F = object> = F & { readonly stored: Stored }
type Aggregating = KGroupedStream<string, string>

const isGroupedStream = ({ kind }: Shape): boolean => kind === 'groupedStream'
const isGroupedTable = ({ kind }: Shape): boolean => kind === 'groupedTable'
const isWindowed = ({ kind }: Shape): boolean =>
  kind === 'timeWindowed' || kind === 'sessionWindowed'
const isAggregating = (shape: Shape): boolean => isGroupedStream(shape) || isWindowed(shape)

const result = (shape: Shape, value: Shape['value'], stored: Stored): Shape =>
  storedShape({ ...shape, kind: 'table', value }, stored)

/** How the result of an aggregation is stored; windows may be kept longer than they have to. */
export function drawResult(draw: Draw, shape: Shape, bareName: boolean): Stored {
  const stored = drawStored(draw, bareName)
  if (shape.windowMs === undefined || stored.store === undefined || draw.random.chance(0.6))
    return stored
  if (shape.windows === 'unlimited') return stored
  return { ...stored, retentionMs: leastRetention(shape) + pick([1, 10, 100, 1000], draw.random) }
}

export const aggregations = {
  groupByKey: {
    on: [shape => isStream(shape) && isPlain(shape)],
    draw: ({ random, fresh }) => (random.chance(0.3) ? { name: fresh('group') } : {}),
    gives: (_, [shape = nothing]) => ({ ...shape, kind: 'groupedStream' }),
    java: ({ name }, [on], [shape = nothing]) =>
      `${on}.groupByKey(Grouped.with(${name === undefined ? '' : `"${name}", `}${javaSerdes(shape)}))`,
    build: ({ name }, [on], [shape = nothing]) =>
      stream(on).groupByKey({ ...named(name), ...serdes(shape) }),
  } satisfies Call<{ name?: string }>,

  groupBy: {
    on: [isPlainStream],
    draw: ({ random, fresh }) => ({
      f: key(selectors, random),
      ...(random.chance(0.3) && { name: fresh('group') }),
    }),
    gives: (_, [shape = nothing]) => ({ ...shape, kind: 'groupedStream' }),
    java: ({ f, name }, [on], [shape = nothing]) =>
      `${on}.groupBy(${of(selectors, f).java}, Grouped.with(${name === undefined ? '' : `"${name}", `}${javaSerdes(shape)}))`,
    build: ({ f, name }, [on], [shape = nothing]) =>
      stream(on).groupBy(as<(k: string, v: string) => string>(of(selectors, f).ts), {
        ...named(name),
        ...serdes(shape),
      }),
  } satisfies Call<{ f: string; name?: string }>,

  windowedBy: {
    on: [isGroupedStream],
    draw: ({ random }) => {
      const sizeMs = pick([5, 10, 16, 30], random)
      return {
        sizeMs,
        advanceMs: random.chance(0.5) ? sizeMs : 1 + random.below(sizeMs),
        graceMs: pick([0, 0, 4, 11, 100], random),
      }
    },
    gives: ({ sizeMs, graceMs }, [shape = nothing]) => ({
      kind: 'timeWindowed',
      value: shape.value,
      windowMs: sizeMs,
      graceMs,
    }),
    java: ({ sizeMs, advanceMs, graceMs }, [on]) =>
      `${on}.windowedBy(TimeWindows.ofSizeAndGrace(ms(${sizeMs}), ms(${graceMs}))${advanceMs === sizeMs ? '' : `.advanceBy(ms(${advanceMs}))`})`,
    build: ({ sizeMs, advanceMs, graceMs }, [on]) => {
      const windows =
        advanceMs === sizeMs
          ? tumbling(sizeMs, { grace: graceMs })
          : hopping(sizeMs, { advance: advanceMs, grace: graceMs })
      return grouped(on).windowedBy(windows)
    },
  } satisfies Call<{ sizeMs: number; advanceMs: number; graceMs: number }>,

  windowedBySliding: {
    on: [isGroupedStream],
    draw: ({ random }) => ({
      sizeMs: pick([1, 7, 10, 25], random),
      graceMs: pick([0, 0, 4, 11, 100], random),
    }),
    gives: ({ sizeMs, graceMs }, [{ value } = nothing]) => ({
      kind: 'timeWindowed',
      windows: 'sliding',
      value,
      windowMs: sizeMs,
      graceMs,
    }),
    java: ({ sizeMs, graceMs }, [on]) =>
      `${on}.windowedBy(SlidingWindows.ofTimeDifferenceAndGrace(ms(${sizeMs}), ms(${graceMs})))`,
    build: ({ sizeMs, graceMs }, [on]) =>
      grouped(on).windowedBy(sliding(sizeMs, { grace: graceMs })),
  } satisfies Call<{ sizeMs: number; graceMs: number }>,

  windowedBySession: {
    on: [isGroupedStream],
    draw: ({ random }) => ({
      gapMs: pick([1, 5, 10, 25], random),
      graceMs: pick([0, 0, 4, 11, 100], random),
    }),
    gives: ({ gapMs, graceMs }, [{ value } = nothing]) => ({
      kind: 'sessionWindowed',
      windows: 'session',
      value,
      windowMs: gapMs,
      graceMs,
    }),
    java: ({ gapMs, graceMs }, [on]) =>
      `${on}.windowedBy(SessionWindows.ofInactivityGapAndGrace(ms(${gapMs}), ms(${graceMs})))`,
    build: ({ gapMs, graceMs }, [on]) =>
      grouped(on).windowedBy(sessions(gapMs, { grace: graceMs })),
  } satisfies Call<{ gapMs: number; graceMs: number }>,

  windowedByUnlimited: {
    on: [isGroupedStream],
    draw: ({ random }) => ({ startMs: pick([0, 20, 100], random) }),
    gives: (_, [{ value } = nothing]) => ({
      kind: 'timeWindowed',
      windows: 'unlimited',
      value,
      windowMs: 1,
    }),
    java: ({ startMs }, [on]) =>
      `${on}.windowedBy(UnlimitedWindows.of().startOn(Instant.ofEpochMilli(${startMs})))`,
    build: ({ startMs }, [on]) => grouped(on).windowedBy(unlimited({ start: startMs })),
  } satisfies Call<{ startMs: number }>,

  emitOnClose: {
    on: [shape => isWindowed(shape) && shape.windows !== 'unlimited'],
    draw: () => ({}),
    gives: (_, [shape = nothing]) => shape,
    java: (_, [on]) => `${on}.emitStrategy(EmitStrategy.onWindowClose())`,
    build: (_, [on]) => windowedStream(on).emitStrategy('onWindowClose'),
  } satisfies Call<object>,

  count: {
    on: [isAggregating],
    draw: (draw, [shape = nothing]) => ({ stored: drawResult(draw, shape, true) }),
    gives: ({ stored }, [shape = nothing]) => result(shape, 'long', stored),
    java: ({ stored }, [on], [shape = nothing]) =>
      `${on}.count(${javaStored(stored, { ...shape, value: 'long' }).slice(2)})`,
    build: ({ stored }, [on], [shape = nothing]) =>
      aggregating(on).count(as(storedOptions(stored, { ...shape, value: 'long' }))),
  } satisfies Call<WithStored>,

  reduce: {
    on: [shape => isAggregating(shape) && isText(shape)],
    draw: (draw, [shape = nothing]) => ({
      f: key(reducers, draw.random),
      stored: drawResult(draw, shape, false),
    }),
    gives: ({ stored }, [shape = nothing]) => result(shape, 'string', stored),
    java: ({ f, stored }, [on], [shape = nothing]) =>
      `${on}.reduce(${of(reducers, f).java}${javaStored(stored, shape)})`,
    build: ({ f, stored }, [on], [shape = nothing]) =>
      aggregating(on).reduce(of(reducers, f).ts, storedOptions(stored, shape)),
  } satisfies Call<WithStored<{ f: string }>>,

  aggregate: {
    on: [isAggregating],
    draw: (draw, [shape = nothing]) => ({
      f: key(aggregators, draw.random),
      stored: drawResult(draw, shape, false),
    }),
    gives: ({ stored }, [shape = nothing]) => result(shape, 'string', stored),
    java: ({ f, stored }, [on], [shape = nothing]) =>
      `${on}.aggregate(() -> "", ${of(aggregators, f).java}${shape.windows === 'session' ? ', (k, one, two) -> tail(one + "|" + two, 12)' : ''}${javaStored(stored, { ...shape, value: 'string' })})`,
    build({ f, stored }, [on], [shape = nothing]) {
      const options = storedOptions(stored, { ...shape, value: 'string' })
      const { ts } = of(aggregators, f)
      return shape.windows === 'session'
        ? sessionStream(on).aggregate(
            () => '',
            ts,
            (_, one, two) => `${one}|${two}`.slice(-12),
            options,
          )
        : aggregating(on).aggregate(() => '', ts, options)
    },
  } satisfies Call<WithStored<{ f: string }>>,

  tableCount: {
    on: [isGroupedTable],
    draw: draw => ({ stored: drawStored(draw, true) }),
    gives: ({ stored }, [shape = nothing]) => result(shape, 'long', stored),
    java: ({ stored }, [on]) =>
      `${on}.count(${javaStored(stored, { kind: 'table', value: 'long' }).slice(2)})`,
    build: ({ stored }, [on]) =>
      groupedTable(on).count(as(storedOptions(stored, { kind: 'table', value: 'long' }))),
  } satisfies Call<WithStored>,

  tableReduce: {
    on: [isGroupedTable],
    draw: draw => ({ stored: drawStored(draw, false) }),
    gives: ({ stored }, [shape = nothing]) => result(shape, 'string', stored),
    java: ({ stored }, [on], [shape = nothing]) =>
      `${on}.reduce((agg, v) -> tail(agg + "+" + v, 14), (agg, v) -> tail(agg + "-" + v, 14)${javaStored(stored, shape)})`,
    build: ({ stored }, [on], [shape = nothing]) =>
      groupedTable(on).reduce(
        (aggregate, v) => `${aggregate}+${v}`.slice(-14),
        (aggregate, v) => `${aggregate}-${v}`.slice(-14),
        storedOptions(stored, shape),
      ),
  } satisfies Call<WithStored>,

  tableAggregate: {
    on: [isGroupedTable],
    draw: draw => ({ toNull: draw.random.chance(0.3), stored: drawStored(draw, false) }),
    gives: ({ stored }, [shape = nothing]) => result(shape, 'string', stored),
    java({ toNull, stored }, [on], [shape = nothing]) {
      const subtract = toNull
        ? '(k, v, agg) -> v.endsWith("4") ? null : tail(agg + "-" + v, 14)'
        : '(k, v, agg) -> tail(agg + "-" + v, 14)'
      return `${on}.aggregate(() -> "", (k, v, agg) -> tail(agg + "+" + v, 14), ${subtract}${javaStored(stored, shape)})`
    },
    build: ({ toNull, stored }, [on], [shape = nothing]) =>
      groupedTable(on).aggregate(
        () => '',
        (_, v, aggregate) => `${aggregate}+${v}`.slice(-14),
        (_, v, aggregate) => (toNull && v.endsWith('4') ? null : `${aggregate}-${v}`.slice(-14)),
        storedOptions(stored, shape),
      ),
  } satisfies Call<WithStored<{ toNull: boolean }>>,
}

const grouped = (built: Built): KGroupedStream<string, string> => as(built)
const windowedStream = (built: Built): TimeWindowedKStream<string, string> => as(built)
const sessionStream = (built: Built): SessionWindowedKStream<string, string> => as(built)
const groupedTable = (built: Built): KGroupedTable<string, string> => as(built)
/** Both have the same methods. */
const aggregating = (built: Built): Aggregating =>
  as<Aggregating & TimeWindowedKStream<string, string>>(built)
