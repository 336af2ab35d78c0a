import type { StoreDefinition, Subtopology, Topology } from '../topology/topology.ts'

/** What a task is made of, whatever part of a topology it runs. */
export type TaskPart = Pick<Subtopology, 'nodes' | 'stores'>

/** The name of the one task that keeps them. */
export const globalTaskId = 'global'

/**
 * All global stores with what feeds them, for one task that every instance runs. Its stores have no changelog: their source
 * topics are it, and the task's checkpoints are the offsets read from them.
 */
export function globalPart({ globalStores }: Topology): TaskPart {
  return {
    nodes: globalStores.flatMap(({ source, processor }) => [source, processor]),
    stores: globalStores.map(({ store, source }) => globalStore(store, source.topics[0])),
  }
}

/** The topic of a store that is in memory is read anew each time. */
function globalStore(store: StoreDefinition, sourceTopic: string | undefined): StoreDefinition {
  const { inMemory = false } = store
  return {
    ...store,
    changelogTopic: null,
    ...(inMemory && sourceTopic !== undefined && { sourceTopic }),
  }
}

/** All sub-topologies at once, as the test driver runs them: topics of one partition, one task, one stream time. */
export function wholePart({ subtopologies }: Topology): TaskPart {
  return {
    nodes: subtopologies.flatMap(({ nodes }) => nodes),
    stores: subtopologies.flatMap(({ stores }) => stores),
  }
}
