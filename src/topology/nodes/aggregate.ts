import { MillraceError } from '../../errors.ts'
import { json } from '../../serde/json.ts'
import { long } from '../../serde/numbers.ts'
import type { Serde } from '../../serde/serde.ts'
import { WindowedSerde } from '../../serde/windowed.ts'
import type { Windowed } from '../../serde/windowed.ts'
import type { TimestampedWindowStore } from '../../state/stores.ts'
import type { TimeWindows } from '../../windowing/time-windows.ts'
import type { Emission } from '../compile/emission.ts'
import type { TableView } from '../compile/plan-tables.ts'
import type { NodeRule } from '../compile/rule.ts'
import { type Aggregation, aggregate } from '../operators/aggregate.ts'
import { windowedAggregate } from '../operators/windowed-aggregate.ts'
import {
  type Materialized,
  emitStore,
  historyRetentionMs,
  isMaterialized,
  keyValueView,
} from './materialized.ts'
import type { NodeBase } from './node.ts'

/** `count`, `reduce` and `aggregate` of a grouped stream, with or without windows. */
export interface AggregateNode extends NodeBase<'aggregate'>, Materialized {
  readonly operation: 'count' | 'reduce' | 'aggregate'
  readonly aggregation: Aggregation
  readonly grouping: Grouping
  readonly windows?: TimeWindows | undefined
  /** How long a window can be read, in milliseconds; by default size and grace of the windows. */
  readonly retentionMs?: number | undefined
}

/** One `groupBy` or `groupByKey`: aggregations of the same named one share a repartition topic. */
export interface Grouping {
  readonly name?: string | undefined
  readonly key?: Serde<unknown> | undefined
  readonly value?: Serde<unknown> | undefined
}

export const aggregateRule: NodeRule<AggregateNode> = {
  key: 'settled',
  names(node, counter) {
    const prefix = node.operation === 'reduce' ? 'KSTREAM-REDUCE-' : 'KSTREAM-AGGREGATE-'
    const speaksOfStore = isMaterialized(node) || node.retentionMs !== undefined
    if (node.operation === 'count' && node.store === undefined && speaksOfStore) counter.skip()
    const store = node.store ?? counter.generate(`${prefix}STATE-STORE-`)
    const name = counter.name(node.name, prefix)
    return { store, name, repartitions: counter.repartition(0, node.grouping.name ?? store) }
  },
  repartition: ({ grouping }) => ({
    serdes: { key: grouping.key, value: grouping.value },
    owner: grouping,
    shared: grouping.name !== undefined,
  }),
  serdes(node, [input]) {
    const key = storeKey(node, input?.key)
    const { windows } = node
    return {
      key: windows === undefined ? key : key && new WindowedSerde(key, windows.sizeMs),
      value: node.value ?? resultSerde(node, input?.value),
    }
  },
  planTables: (node, names, tables) =>
    tables.stored(node.id, names.store, historyRetentionMs(node)),
  view: (node, store = '') =>
    node.windows === undefined ? keyValueView(store) : windowView(store),
  emit(node, emission) {
    const { aggregation, operation, windows } = node
    const { sendsOldValues } = emission.table
    const { store = '' } = emission.names
    if (windows === undefined) {
      const stores = emitStore(node, emission, operation)
      emission.processor({ supplier: aggregate(aggregation, { store, sendsOldValues }), stores })
    } else {
      emitWindowStore(node, windows, emission)
      const supplier = windowedAggregate(aggregation, windows, { store, sendsOldValues })
      emission.processor({ supplier, stores: [store] })
    }
  },
}

/** A count is a long, a reduced value is one of the values; of an aggregate nothing is known but that it is a value. */
function resultSerde(
  { operation, grouping }: AggregateNode,
  input: Serde<unknown> | undefined,
): Serde<unknown> | undefined {
  if (operation === 'count') return long()
  return operation === 'reduce' ? (grouping.value ?? input) : json()
}

function storeKey(
  { key, grouping }: AggregateNode,
  input: Serde<unknown> | undefined,
): Serde<unknown> | undefined {
  return key ?? grouping.key ?? input
}

function emitWindowStore(node: AggregateNode, windows: TimeWindows, emission: Emission): void {
  const { operation, changelog = true, inMemory = false } = node
  const { retentionMs = windows.sizeMs + windows.graceMs } = node
  const { store: name = '' } = emission.names
  if (retentionMs < windows.sizeMs + windows.graceMs) {
    throw new MillraceError(
      'INVALID_TOPOLOGY',
      `The store ${name} keeps its windows for ${retentionMs} ms, less than their size (${windows.sizeMs} ms) and ` +
        `grace (${windows.graceMs} ms) together. Give a longer retention.`,
    )
  }
  emission.store(
    {
      kind: 'timestampedWindow',
      name,
      key: emission.require(
        storeKey(node, emission.input.key),
        `the keys of the store ${name}`,
        `${operation}({ key: … })`,
      ),
      value: emission.require(
        emission.serdes.value,
        `the values of the store ${name}`,
        `${operation}({ value: … })`,
      ),
      retentionMs,
      windowSizeMs: windows.sizeMs,
      inMemory,
    },
    { logged: changelog },
  )
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
