import assert from 'node:assert/strict'
import type { ValueAndTimestamp } from '../../state/stores.ts'
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
  /** How long the table keeps earlier versions of its rows, in milliseconds; undefined when it has none. */
  readonly historyRetentionMs: number | undefined
}

/** What a join needs to look up rows: stores to connect to, and a getter made when they are open. */
export interface TableView {
  readonly stores: readonly string[]
  readonly get: (context: ProcessorContext) => RowGetter
}

/** A row, that of a time if the table is versioned, or undefined. Keys have the type of the table's. */
type RowGetter = UserFunction<
  [key: unknown, asOf?: number],
  ValueAndTimestamp<unknown> | undefined
> & {
  /** To be called when the task ends. */
  readonly close?: (() => void) | undefined
}

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
    source: (id, store, spare, historyRetentionMs) =>
      void tables.set(id, { store, spare, sendsOldValues: false, historyRetentionMs }),
    stored: (id, store, historyRetentionMs) =>
      void tables.set(id, { store, sendsOldValues: false, historyRetentionMs }),
    derived: (id, parent, store, own) => {
      const historyRetentionMs = store === undefined ? tables.get(parent)?.historyRetentionMs : own
      tables.set(id, { store, parents: [parent], sendsOldValues: false, historyRetentionMs })
    },
    joined: (id, parents, store, historyRetentionMs) =>
      void tables.set(id, { store, parents, sendsOldValues: false, historyRetentionMs }),
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
    if (table.parents === undefined) table.store = table.spare
    else table.parents.forEach(materialize)
  }

  /** With `force`, a source that has no store gets one for it. */
  function enableOldValues(id: NodeId, options: { force: boolean }): boolean {
    const table = tables.get(id)
    if (table === undefined) return false
    if (table.sendsOldValues) return true
    const { parents = [] } = table
    if (options.force && parents.length === 0) table.store ??= table.spare
    if (parents.length > 1) {
      // The sides of a join compute old values, even of one with a store; the rows they look up have stores anyway.
      for (const parent of parents) enableOldValues(parent, { force: true })
      table.sendsOldValues = true
    } else if (table.store !== undefined) table.sendsOldValues = true
    else if (parents.length > 0) {
      table.sendsOldValues = parents.every(parent => enableOldValues(parent, options))
    }
    return table.sendsOldValues
  }
}

/** How a rule tells what its table is and asks. */
export interface TablePlanner {
  /** A table read from a topic: it has a store if one was named, or else `spare` once somebody looks up rows. */
  source(
    id: NodeId,
    store: string | undefined,
    spare: string | undefined,
    historyRetentionMs?: number,
  ): void
  /** A table that always has a store. */
  stored(id: NodeId, store: string | undefined, historyRetentionMs?: number): void
  /** A table computed from another one row by row; its store, if any, was named. Without one it has that one's history. */
  derived(id: NodeId, parent: NodeId, store: string | undefined, historyRetentionMs?: number): void
  /** A table computed from the rows that several others have for a key; it has a store if `store` is given. */
  joined(
    id: NodeId,
    parents: readonly NodeId[],
    store: string | undefined,
    historyRetentionMs?: number,
  ): void
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
  readonly parents?: readonly NodeId[]
  sendsOldValues: boolean
  readonly historyRetentionMs: number | undefined
}

interface TablesPlan {
  readonly nodes: ReadonlyMap<NodeId, LogicalNode>
  readonly names: ReadonlyMap<NodeId, NodeNames>
  readonly tables: ReadonlyMap<NodeId, TablePlan>
}

/** The view of a table, through the tables it derives from where it has no store. */
export function viewOf(id: NodeId, plan: TablesPlan): TableView {
  const node = plan.nodes.get(id)
  const names = plan.names.get(id)
  const parent = (index: number): TableView => viewOf(node?.parents[index] ?? -1, plan)
  const store = plan.tables.get(id)?.store
  const view = node && names && ruleOf(node).view?.(node, store, parent, names)
  assert(view !== undefined, `Node ${id} is not a table`)
  return view
}
