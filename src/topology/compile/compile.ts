import type { LogicalGraph } from '../nodes/index.ts'
import { ruleOf } from '../nodes/index.ts'
import { type Optimization, type Optimizations, optimizationsOf } from '../optimization.ts'
import type { ProcessorWrapper } from '../processor.ts'
import type { Topology } from '../topology.ts'
import { assemble, newBlueprint } from './assemble.ts'
import { checkNames } from './check-names.ts'
import { checkExplicitNames } from './check-explicit-names.ts'
import { type Blueprint, Emission, type Plan } from './emission.ts'
import { findTopics } from './find-topics.ts'
import { inferSerdes } from './infer-serdes.ts'
import { type NamedGraph, insertRepartitions } from './insert-repartitions.ts'
import { keepNullKeys } from './keep-null-keys.ts'
import { mergeRepartitions } from './merge-repartitions.ts'
import { mergeSources } from './merge-sources.ts'
import { nameNodes } from './name-nodes.ts'
import { planTables } from './plan-tables.ts'
import { reuseSourceTopics } from './reuse-source-topics.ts'
import { shareSelfJoins } from './share-self-joins.ts'

/**
 * Turns what the DSL has recorded into a topology, pass by pass: names, then repartition topics, then what must be known
 * before anything can be emitted (serdes, stores, co-partitioning), then the processors of each node, then the parts
 * that become tasks. Passes that optimise rewrite the graph once it has its repartition topics.
 *
 * Throws INVALID_TOPOLOGY with a sentence that names the node, and INVALID_CONFIG for an unknown optimisation.
 */
export function compile(
  applicationId: string,
  graph: LogicalGraph,
  {
    optimization = 'none',
    defaultStore = 'onDisk',
    ensureExplicitInternalResourceNaming = false,
    processorWrapper,
  }: CompileOptions = {},
): Topology {
  const { names, generated } = nameNodes(graph)
  const merged = mergeSources(graph)
  const optimized = optimize(
    insertRepartitions({ ...merged, names }),
    optimizationsOf(optimization),
  )
  const partitioned = keepNullKeys(optimized)
  const plan: Plan = {
    applicationId,
    storesAreInMemory: defaultStore === 'inMemory',
    nodes: new Map(partitioned.nodes.map(node => [node.id, node])),
    names: partitioned.names,
    serdes: inferSerdes(partitioned),
    tables: planTables(partitioned, partitioned.names),
    topics: findTopics(applicationId, partitioned),
  }
  checkNames(plan)
  const blueprint = emit(plan)
  for (const id of partitioned.copartitioned ?? []) {
    blueprint.copartitioned.push([...new Set(plan.topics.get(id))])
  }
  if (ensureExplicitInternalResourceNaming) checkExplicitNames(applicationId, blueprint, generated)
  return assemble(applicationId, blueprint, processorWrapper)
}

export interface CompileOptions {
  readonly optimization?: Optimizations | undefined
  readonly defaultStore?: 'onDisk' | 'inMemory' | undefined
  readonly ensureExplicitInternalResourceNaming?: boolean | undefined
  readonly processorWrapper?: ProcessorWrapper | undefined
}

function optimize(graph: NamedGraph, chosen: ReadonlySet<Optimization>): NamedGraph {
  const reused = chosen.has('reuseKTableSourceTopics') ? reuseSourceTopics(graph) : graph
  const merged = chosen.has('mergeRepartitionTopics') ? mergeRepartitions(reused) : reused
  return chosen.has('singleStoreSelfJoin') ? shareSelfJoins(merged) : merged
}

function emit(plan: Plan): Blueprint {
  const blueprint = newBlueprint()
  for (const node of plan.nodes.values()) {
    ruleOf(node).emit(node, new Emission(plan, node, blueprint))
  }
  return blueprint
}
