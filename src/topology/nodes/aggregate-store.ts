import { MillraceError } from '../../errors.ts'
import type { Serde } from '../../serde/serde.ts'
import { SessionWindowedSerde, type Windowed, WindowedSerde } from '../../serde/windowed.ts'
import type { SessionStore, TimestampedWindowStore } from '../../state/stores.ts'
import type { SessionWindows } from '../../windowing/session-windows.ts'
import type { SlidingWindows } from '../../windowing/sliding-windows.ts'
import type { Windows } from '../../windowing/windows.ts'
import type { Emission } from '../compile/emission.ts'
import type { TableView } from '../compile/plan-tables.ts'
import { type Aggregation, type AggregationOptions, aggregate } from '../operators/aggregate.ts'
import type { EmitStrategy } from '../operators/closed-windows.ts'
import { sessionAggregate } from '../operators/session-aggregate.ts'
import { slidingAggregate } from '../operators/sliding-aggregate.ts'
import { windowedAggregate } from '../operators/windowed-aggregate.ts'
import type { ProcessorSupplier } from '../processor.ts'
import { type Materialized, emitStore, keyValueView } from './materialized.ts'

/** What aggregations of one stream and of several have in common: their windows, and the store of the table they make. */
export interface Aggregated extends Materialized {
  readonly windows?: AnyWindows | undefined
  /** How long a window can be read, in milliseconds; by default as long as the aggregation needs it. */
  readonly retentionMs?: number | undefined
  readonly emit?: EmitStrategy | undefined
}

/** What `windowedBy` takes. */
export type AnyWindows = Windows | SlidingWindows | SessionWindows

/** Keys of the table, given those of the records. */
export function tableKey(
  { windows }: Aggregated,
  key: Serde<unknown> | undefined,
): Serde<unknown> | undefined {
  if (windows === undefined || key === undefined) return key
  switch (windows.kind) {
    case 'time':
      return new WindowedSerde(key, windows)
    case 'sliding':
      return new WindowedSerde(key, { endOf: start => start + windows.timeDifferenceMs })
    case 'session':
      return new SessionWindowedSerde(key)
    default:
      return windows satisfies never
  }
}

/** The processor that folds records into the store. */
export function aggregateSupplier(
  aggregation: Aggregation,
  { windows, emit }: Aggregated,
  options: Omit<AggregationOptions, 'emit'>,
): ProcessorSupplier {
  if (windows === undefined) return aggregate(aggregation, options)
  switch (windows.kind) {
    case 'time':
      return windowedAggregate(aggregation, windows, { ...options, emit })
    case 'sliding':
      return slidingAggregate(aggregation, windows, { ...options, emit })
    case 'session':
      return sessionAggregate(aggregation, windows, { ...options, emit })
    default:
      return windows satisfies never
  }
}

/** The longest that a window takes late records after its end. Sessions may grow for as long as the gap, too. */
export function windowsCloseAfterMs({ windows }: Aggregated): number | undefined {
  if (windows === undefined) return undefined
  return windows.kind === 'session' ? windows.graceMs + windows.gapMs : windows.graceMs
}

/** How rows of the table are looked up. */
export function aggregateView({ windows }: Aggregated, store: string): TableView {
  if (windows === undefined) return keyValueView(store)
  return windows.kind === 'session' ? sessionView(store) : windowView(store)
}

/**
 * Emits the store of the table; `key` is the serde of the records' keys, `call` the method that makes the table. Returns the
 * store's name.
 */
export function emitAggregateStore(
  node: Aggregated,
  emission: Emission,
  { key, call }: { key: Serde<unknown> | undefined; call: string },
): readonly string[] {
  const { windows, emit, changelog = true, inMemory, caching = true } = node
  if (windows === undefined) return emitStore(node, emission, call)
  const { store: name = '' } = emission.names
  const timed = {
    name,
    key: emission.require(key, `the keys of the store ${name}`, `${call}({ key: … })`),
    value: emission.require(
      emission.serdes.value,
      `the values of the store ${name}`,
      `${call}({ value: … })`,
    ),
    retentionMs: retentionOf(node, windows, name),
    inMemory,
    caching,
    timeIndex: emit === 'onWindowClose',
  }
  const logging = { logged: changelog }
  switch (windows.kind) {
    case 'time':
      emission.store({ kind: 'timestampedWindow', ...timed, windowSizeMs: windows.sizeMs }, logging)
      break
    case 'sliding': {
      const windowSizeMs = windows.timeDifferenceMs
      emission.store({ kind: 'timestampedWindow', ...timed, windowSizeMs, ordered: true }, logging)
      break
    }
    case 'session':
      emission.store({ kind: 'session', ...timed }, logging)
      break
    default:
      return windows satisfies never
  }
  return [name]
}

function retentionOf(node: Aggregated, windows: AnyWindows, store: string): number {
  const { needed, parts } = retentionNeededBy(windows)
  // Windows without end never expire.
  const neededMs = Math.min(needed, Number.MAX_SAFE_INTEGER)
  const { retentionMs = neededMs } = node
  if (retentionMs >= neededMs) return retentionMs
  throw new MillraceError(
    'INVALID_TOPOLOGY',
    `The store ${store} keeps its windows for ${retentionMs} ms, less than ${parts} together. Give a longer retention.`,
  )
}

/** `WindowStoreMaterializer`, `SlidingWindowStoreMaterializer`, `SessionStoreMaterializer`. */
function retentionNeededBy(windows: AnyWindows): { needed: number; parts: string } {
  const grace = `grace (${windows.graceMs} ms)`
  switch (windows.kind) {
    case 'time':
      return {
        needed: windows.sizeMs + windows.graceMs,
        parts: `their size (${windows.sizeMs} ms) and ${grace}`,
      }
    case 'sliding':
      return {
        needed: 2 * windows.timeDifferenceMs + windows.graceMs,
        parts: `twice their time difference (${windows.timeDifferenceMs} ms) and ${grace}`,
      }
    case 'session':
      return {
        needed: windows.gapMs + windows.graceMs,
        parts: `their gap (${windows.gapMs} ms) and ${grace}`,
      }
    default:
      return windows satisfies never
  }
}

function windowView(store: string): TableView {
  return {
    stores: [store],
    get(context) {
      const rows = context.store<TimestampedWindowStore<unknown, unknown>>(store)
      return ({ key, window }: Windowed<unknown>) => rows.fetch(key, window.start)
    },
  }
}

function sessionView(store: string): TableView {
  return {
    stores: [store],
    get(context) {
      const rows = context.store<SessionStore<unknown, unknown>>(store)
      return ({ key, window }: Windowed<unknown>) => {
        const value = rows.fetchSession(key, window.start, window.end)
        return value === undefined ? undefined : { value, timestamp: window.end }
      }
    },
  }
}
