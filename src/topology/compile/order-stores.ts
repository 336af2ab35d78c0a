import type { StoreDefinition } from '../topology.ts'
import type { Blueprint } from './emission.ts'

/**
 * Stores that users' processors may read have their keys in memory, so that ranges can be read: those they are connected to,
 * and global ones, unless their definitions say otherwise. Tables that only operators look up by key go without.
 */
export function orderStores(blueprint: Blueprint): Blueprint {
  const processors = blueprint.nodes.filter(
    node => node.kind === 'processor' && node.isUserDefined === true,
  )
  if (processors.length === 0) return blueprint
  const connected = new Set(
    processors.flatMap(node => (node.kind === 'processor' ? node.stores : [])),
  )
  const globalStores = new Map(
    [...blueprint.globalStores].map(([source, global]) => [
      source,
      { ...global, store: ordered(global.store) },
    ]),
  )
  const stores = blueprint.stores.map(store => (connected.has(store.name) ? ordered(store) : store))
  return { ...blueprint, stores, globalStores }
}

function ordered(store: StoreDefinition): StoreDefinition {
  switch (store.kind) {
    case 'keyValue':
    case 'timestampedKeyValue':
    case 'window':
    case 'timestampedWindow':
      return store.ordered === undefined ? Object.freeze({ ...store, ordered: true }) : store
    default:
      return store
  }
}
