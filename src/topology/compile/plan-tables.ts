import assert from 'node:assert/strict'
import type { ProcessorContext } from '../processor.ts'
import { type LogicalGraph, type LogicalNode, ruleOf } from '../nodes/index.ts'
import type { NodeId } from '../nodes/node.ts'
import type { UserFunction } from '../user-function.ts'
import type { NodeNames } from './rule.ts'

/** What the compiler has decided about one table. */
export interface TablePlan {
  /** Name of the store that holds its rows; undefined when nobody needs to look them up. */
  readonly store: string | undefined
  /** Whether its changes carry the old value. */
  readonly sendsOldValues: boolean
}

/** What a join needs to look up rows: stores to connect to, and a getter made when they are open. */
export interface TableView {
  readonly stores: readonly string[]
  readonly get: (context: ProcessorContext) => RowGetter
}

/** The value of a row, or null. Keys have the type of the table's. */
type RowGetter = UserFunction<[key: unknown], unknown>

/**
 * Decides which tables keep their rows in a store and which send old values, in the order of the DSL calls as Kafka
 * Streams does: a filter sends old values if the table before it was materialized when the filter was made.
 * `KTableImpl#valueGetterSupplier` and `#enableSendingOldValues`.
 */
export function planTables(
  graph: LogicalGraph,
  names: ReadonlyMap<NodeId, NodeNames>,
): ReadonlyMap<NodeId, TablePlan> {
  const tables = new Map<NodeId, Table>()
  const planner: TablePlanner = {
    source: (id, store, spare) => void tables.set(id, { store, spare, sendsOldValues: false }),
    stored: (id, store) => void tables.set(id, { store, sendsOldValues: false }),
    derived: (id, parent, store) => void tables.set(id, { store, parent, sendsOldValues: false }),
    lookUp: id => materialize(id),
    oldValues: (id, of) => {
      const table = tables.get(id)
      if (table !== undefined && enableOldValues(of, { force: false })) table.sendsOldValues = true
    },
    requireOldValues: id => void enableOldValues(id, { force: true }),
  }
  for (const node of graph.nodes) {
    const own = names.get(node.id)
    if (own !== undefined) ruleOf(node).planTables?.(node, own, planner)
  }
  return tables

  function materialize(id: NodeId): void {
    const table = tables.get(id)
    if (table === undefined || table.store !== undefined) return
    if (table.parent === undefined) table.store = table.spare
    else materialize(table.parent)
  }

  /** With `force`, a source that has no store gets one for it. */
  function enableOldValues(id: NodeId, options: { force: boolean }): boolean {
    const table = tables.get(id)
    if (table === undefined) return false
    if (table.sendsOldValues) return true
    if (options.force && table.parent === undefined) table.store ??= table.spare
    if (table.store !== undefined) table.sendsOldValues = true
    else if (table.parent !== undefined) {
      table.sendsOldValues = enableOldValues(table.parent, options)
    }
    return table.sendsOldValues
  }
}

/** How a rule tells what its table is and asks. */
export interface TablePlanner {
  /** A table read from a topic: it has a store if one was named, or else `spare` once somebody looks up rows. */
  source(id: NodeId, store: string | undefined, spare: string | undefined): void
  /** A table that always has a store. */
  stored(id: NodeId, store: string | undefined): void
  /** A table computed from another one row by row; its store, if any, was named. */
  derived(id: NodeId, parent: NodeId, store: string | undefined): void
  /** Asks that the rows of a table can be looked up. */
  lookUp(id: NodeId): void
  /** Lets table `id` send old values if `of` can, without giving it a store for that. */
  oldValues(id: NodeId, of: NodeId): void
  /** Asks that the changes of a table carry old values; the table it is computed from gets a store for that. */
  requireOldValues(id: NodeId): void
}

interface Table {
  store: string | undefined
  readonly spare?: string | undefined
  readonly parent?: NodeId
  sendsOldValues: boolean
}

/** The view of a table, through the tables it derives from where it has no store. */
export function viewOf(
  id: NodeId,
  nodes: ReadonlyMap<NodeId, LogicalNode>,
  tables: ReadonlyMap<NodeId, TablePlan>,
): TableView {
  const node = nodes.get(id)
  const parent = node?.parents[0] ?? -1
  const store = tables.get(id)?.store
  const view = node && ruleOf(node).view?.(node, store, () => viewOf(parent, nodes, tables))
  assert(view !== undefined, `Node ${id} is not a table`)
  return view
}
