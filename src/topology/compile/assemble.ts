import type { ProcessorWrapper } from '../processor.ts'
import type { ProcessorNode, Topology } from '../topology.ts'
import { checkPatterns, checkStores, checkTopics, checkUnique } from './check-names.ts'
import type { Blueprint } from './emission.ts'
import { orderStores } from './order-stores.ts'
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
export function assemble(
  applicationId: string,
  blueprint: Blueprint,
  wrapper: ProcessorWrapper | undefined,
): Topology {
  checkTopics(blueprint)
  checkUnique(blueprint)
  checkPatterns(blueprint)
  checkStores(blueprint)
  const ordered = orderStores(blueprint)
  return split(applicationId, wrapper === undefined ? ordered : wrapped(ordered, wrapper))
}

function wrapped(blueprint: Blueprint, wrapper: ProcessorWrapper): Blueprint {
  const wrap = (node: ProcessorNode): ProcessorNode =>
    Object.freeze({ ...node, supplier: wrapper(node.name, node.supplier), isUserDefined: true })
  const nodes = blueprint.nodes.map(node => (node.kind === 'processor' ? wrap(node) : node))
  const processors = new Map(nodes.map(node => [node.name, node]))
  const globalStores = new Map(
    [...blueprint.globalStores].map(([name, global]) => {
      const processor = processors.get(global.processor.name)
      return [name, processor?.kind === 'processor' ? { ...global, processor } : global]
    }),
  )
  return { ...blueprint, nodes, globalStores }
}
