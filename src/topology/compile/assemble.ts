import type { Topology } from '../topology.ts'
import { checkStores, checkTopics, checkUnique } from './check-names.ts'
import type { Blueprint } from './emission.ts'
import { split } from './split.ts'

/** An empty one. */
export function newBlueprint(): Blueprint {
  return {
    nodes: [],
    stores: [],
    added: new Set(),
    globalStores: new Map(),
    internalTopics: [],
    copartitioned: [],
  }
}

/** The topology of a blueprint that holds together. Throws INVALID_TOPOLOGY with a sentence that names the node. */
export function assemble(applicationId: string, blueprint: Blueprint): Topology {
  checkTopics(blueprint)
  checkUnique(blueprint)
  checkStores(blueprint)
  return split(applicationId, blueprint)
}
