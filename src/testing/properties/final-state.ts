import { inspect } from 'node:util'

import { isQueryable, type StoreDefinition } from '../../state/store-definition.ts'
import type { KeyValueRow, SessionRow, WindowRow } from '../../state/stores.ts'
import type { SinkNode, Topology } from '../../topology/topology.ts'
import type { TestApplication } from '../test-application.ts'
import type { Difference } from './law-failure.ts'

/** What one row of a store holds, or one key of an output topic. */
export interface StateRow {
  readonly kind: 'store' | 'topic'
  /** Of the store or topic. */
  readonly name: string
  /** The key as text, with the bounds of the window. */
  readonly key: string
  /** As text. */
  readonly value: string
  readonly timestamp: number
  /** End of the window, exclusive, in milliseconds since the Unix epoch; undefined for other rows. */
  readonly end: number | undefined
}

/** By place and key. */
export type FinalState = ReadonlyMap<string, StateRow>

/**
 * Everything that a topology has come to: the rows of its stores, and for each output topic the last value of each key. Stores
 * that keep several values under one key, as those of stream-stream joins do, and what joins remember of unmatched records and
 * of foreign keys are left out: they are on the way to results, not results. So are topics whose names come from records.
 */
export async function finalState(
  application: TestApplication,
  topology: Topology,
): Promise<FinalState> {
  const state = new Map<string, StateRow>()
  const add = (row: StateRow): void => void state.set(idOf(row), row)
  for (const definition of storesOf(topology)) {
    for await (const row of application.store(definition.name).all()) {
      add(rowOf(definition, row))
    }
  }
  for (const [name, serdes] of sinksOf(topology)) {
    for (const record of application.outputTopic(name, serdes).readAll()) {
      if (record.key === null) continue
      const key = text(record.key)
      const row = { kind: 'topic', name, key, timestamp: record.timestamp, end: undefined } as const
      // As in a table, a key without a value is one that is not there.
      if (record.value === null) state.delete(idOf(row))
      else add({ ...row, value: text(record.value) })
    }
  }
  return state
}

function storesOf({ subtopologies, globalStores }: Topology): StoreDefinition[] {
  const stores = [
    ...subtopologies.flatMap(part => part.stores),
    ...globalStores.map(({ store }) => store),
  ]
  return stores.filter(
    store =>
      isQueryable(store) &&
      !('retainDuplicates' in store && store.retainDuplicates) &&
      !('bookkeeping' in store && store.bookkeeping),
  )
}

const idOf = ({ kind, name, key }: Pick<StateRow, 'kind' | 'name' | 'key'>): string =>
  `${kind} ${name}\0${key}`

/** Of each output topic that has a name of its own, whatever the records, a sink. */
function sinksOf({ subtopologies, internalTopics }: Topology): Map<string, SinkNode> {
  const internal = new Set(internalTopics.map(({ name }) => name))
  const sinks = new Map<string, SinkNode>()
  for (const { nodes } of subtopologies) {
    for (const node of nodes) {
      if (node.kind !== 'sink' || typeof node.topic !== 'string') continue
      if (!internal.has(node.topic)) sinks.set(node.topic, node)
    }
  }
  return sinks
}

type AnyRow =
  KeyValueRow<unknown, unknown> | WindowRow<unknown, unknown> | SessionRow<unknown, unknown>

function rowOf(definition: StoreDefinition, row: AnyRow): StateRow {
  const { timestamp } = row
  const base = { kind: 'store', name: definition.name, value: text(row.value), timestamp } as const
  if ('windowStart' in row) {
    const size = 'windowSizeMs' in definition ? definition.windowSizeMs : 0
    const end = row.windowStart + size
    return { ...base, key: `${text(row.key)} [${row.windowStart}, ${end})`, end }
  }
  if ('start' in row) {
    return { ...base, key: `${text(row.key)} [${row.start}, ${row.end}]`, end: row.end + 1 }
  }
  return { ...base, key: text(row.key), end: undefined }
}

/** Rows that differ, those of the first state first; by their values alone with `values`. */
export function differences(
  expected: FinalState,
  actual: FinalState,
  by: 'values' | 'values and times' = 'values and times',
): Difference[] {
  const ids = new Set([...expected.keys(), ...actual.keys()])
  return [...ids].flatMap(id => difference(expected.get(id), actual.get(id), by))
}

export function difference(
  expected: StateRow | undefined,
  actual: StateRow | undefined,
  by: 'values' | 'values and times' = 'values and times',
): Difference[] {
  const shown = (row: StateRow | undefined): string | undefined =>
    row && (by === 'values' ? row.value : `${row.value} at ${row.timestamp}`)
  const row = expected ?? actual
  if (row === undefined || shown(expected) === shown(actual)) return []
  const place = `${row.kind} ${row.name}`
  return [{ place, key: row.key, expected: shown(expected), actual: shown(actual) }]
}

/** Equal for values that are equal, whatever the order of their properties. */
export function text(value: unknown): string {
  return inspect(value, {
    depth: Infinity,
    sorted: true,
    breakLength: Infinity,
    maxArrayLength: Infinity,
    maxStringLength: Infinity,
  })
}
