import { inspect } from 'node:util'

import { isQueryable, type StoreDefinition } from '../../state/store-definition.ts'
import type { KeyValueRow, SessionRow, WindowRow } from '../../state/stores.ts'
import type { SinkNode, Topology } from '../../topology/topology.ts'
import type { TestApplication } from '../test-application.ts'
import type { Difference } from './law-failure.ts'

/** What one row of a store holds, or one key of an output topic. */
export interface StateRow {
  /** Name of the store or topic. */
  readonly place: string
  /** The key as text, with the bounds of the window. */
  readonly key: string
  /** Value and time as text. */
  readonly content: string
  readonly timestamp: number
  /** End of the window, exclusive, in milliseconds since the Unix epoch; undefined for other rows. */
  readonly end: number | undefined
}

/** By place and key. */
export type FinalState = ReadonlyMap<string, StateRow>

/**
 * Everything that a topology has come to: the rows of its stores, and for each output topic the last value of each key. Stores
 * that keep several values under one key, as those of stream-stream joins do, and what joins remember of unmatched records are
 * left out: they are on the way to results, not results. So are topics whose names come from records.
 */
export async function finalState(
  application: TestApplication,
  topology: Topology,
): Promise<FinalState> {
  const state = new Map<string, StateRow>()
  const add = (row: StateRow): void => void state.set(`${row.place}\0${row.key}`, row)
  for (const definition of storesOf(topology)) {
    for await (const row of application.store(definition.name).all()) {
      add(rowOf(definition, row))
    }
  }
  for (const [place, { key, value }] of sinksOf(topology)) {
    for (const record of application.outputTopic(place, { key, value }).readAll()) {
      if (record.key === null) continue
      const { timestamp } = record
      const content = `${text(record.value)} at ${timestamp}`
      add({ place, key: text(record.key), content, timestamp, end: undefined })
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
    store => isQueryable(store) && !('retainDuplicates' in store && store.retainDuplicates),
  )
}

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
  const content = `${text(row.value)} at ${timestamp}`
  const base = { place: definition.name, content, timestamp }
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

/** Rows that differ, those of the first state first. */
export function differences(expected: FinalState, actual: FinalState): Difference[] {
  const ids = new Set([...expected.keys(), ...actual.keys()])
  return [...ids].flatMap(id => difference(expected.get(id), actual.get(id)))
}

export function difference(
  expected: StateRow | undefined,
  actual: StateRow | undefined,
): Difference[] {
  const row = expected ?? actual
  if (row === undefined || expected?.content === actual?.content) return []
  return [{ ...row, expected: expected?.content, actual: actual?.content }]
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
