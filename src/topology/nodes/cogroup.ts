import { json } from '../../serde/json.ts'
import type { Serde } from '../../serde/serde.ts'
import type { NodeRule } from '../compile/rule.ts'
import type { Aggregation } from '../operators/aggregate.ts'
import { passThrough } from '../operators/pass-through.ts'
import type { UserFunction } from '../user-function.ts'
import type { Grouping } from './aggregate.ts'
import {
  type Aggregated,
  aggregateSupplier,
  aggregateView,
  emitAggregateStore,
  tableKey,
  windowsCloseAfterMs,
} from './aggregate-store.ts'
import { historyRetentionMs } from './materialized.ts'
import type { NodeBase } from './node.ts'

/**
 * `aggregate` of several grouped streams into one table: a processor for each, in the order of the parents, all over one
 * store, and one that merges what they forward. `CogroupedStreamAggregateBuilder`.
 */
export interface CogroupNode extends NodeBase<'cogroup'>, Aggregated {
  readonly initializer: UserFunction<[], unknown>
  readonly merger?: Aggregation['merger']
  readonly inputs: readonly CogroupInput[]
}

export interface CogroupInput {
  readonly grouping: Grouping
  readonly aggregator: Aggregation['aggregator']
}

export const cogroupRule: NodeRule<CogroupNode> = {
  key: 'settled',
  names(node, counter) {
    const { name, inputs } = node
    const store = node.store ?? counter.generate(`${prefix}STATE-STORE-`)
    const repartitions = inputs.flatMap(({ grouping }, parent) =>
      counter.repartition(parent, grouping.name ?? store),
    )
    const parts = inputs.map((_, index) =>
      counter.name(name && `${name}-cogroup-agg-${index}`, prefix),
    )
    const merge = counter.name(name && `${name}-cogroup-merge`, 'COGROUPKSTREAM-MERGE-')
    return { store, name: merge, parts, repartitions }
  },
  // Tables of one cogrouped stream share the repartition topics of its inputs, named or not.
  repartition({ inputs }, parent) {
    const input = inputs[parent]
    const { key, value } = input?.grouping ?? {}
    return { serdes: { key, value }, owner: input ?? {}, shared: true }
  },
  serdes: (node, parents) => ({
    key: tableKey(node, recordKey(node, parents)),
    value: node.value ?? json(),
  }),
  planTables: (node, names, tables) =>
    tables.stored(node.id, names.store, historyRetentionMs(node)),
  view: (node, store = '') => aggregateView(node, store),
  windowsCloseAfterMs,
  emit(node, emission) {
    const { initializer, merger, inputs } = node
    const { sendsOldValues } = emission.table
    const { store = '', parts = [] } = emission.names
    const key = recordKey(
      node,
      inputs.map((_, parent) => emission.inputOf(parent)),
    )
    emission.copartition()
    for (const [index, { aggregator }] of inputs.entries()) {
      emission.processor({
        name: parts[index] ?? '',
        parents: [emission.parentName(index)],
        supplier: aggregateSupplier({ initializer, aggregator, merger }, node, {
          store,
          sendsOldValues,
        }),
        stores: [store],
      })
    }
    emitAggregateStore(node, emission, { key, call: 'aggregate' })
    emission.processor({ supplier: passThrough, parents: parts })
  },
}

const prefix = 'COGROUPKSTREAM-AGGREGATE-'

/** The key that is given for the table, or for one of the streams, or that one of them has. */
function recordKey(
  { key, inputs }: CogroupNode,
  parents: readonly { readonly key?: Serde<unknown> | undefined }[],
): Serde<unknown> | undefined {
  const keys = [key, ...inputs.map(({ grouping }) => grouping.key), ...parents.map(p => p.key)]
  return keys.find(serde => serde !== undefined)
}
