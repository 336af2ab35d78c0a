import { MillraceError } from '../../errors.ts'
import { partitionForKey } from '../../protocol/murmur2.ts'
import { SessionWindowedSerde, WindowedSerde } from '../../serde/windowed.ts'
import type { QueryableDefinition } from '../../state/store-definition.ts'
import { storeSerdes } from '../../state/store-serdes.ts'
import { topicsOfSink, type Topology } from '../../topology/topology.ts'
import type { Route } from '../member-data.ts'
import { type PartitionPlan, type PlannedTask, subtopologyTopics } from '../partition-plan.ts'
import { queryableStore } from './store-view.ts'

/** Where a key of a store is. Kafka Streams' `KeyQueryMetadata`. */
export interface KeyQueryMetadata {
  readonly partition: number
  /** `host:port` of the instance that has it; null when the group has not said, or that instance cannot be asked. */
  readonly active: string | null
  /** `host:port` of those that have a copy. */
  readonly standbys: readonly string[]
}

/** An instance whose stores can be asked. Kafka Streams' `StreamsMetadata`. */
export interface InstanceMetadata {
  /** `host:port`, as it is given as `applicationServer`. */
  readonly endpoint: string
  readonly stores: readonly StoreMetadata[]
}

export interface StoreMetadata {
  readonly store: string
  readonly partitions: readonly number[]
  /** Those of which the instance has a copy. */
  readonly standbyPartitions: readonly number[]
}

/**
 * Which instances have which stores, by what the leader of the group said last.
 *
 * @example
 * ```ts
 * import { createLogClient, defineApp, nodePlatform, startApplication, string } from 'millrace'
 * import { startBroker } from 'millrace/broker'
 *
 * const text = { key: string(), value: string() }
 * const app = defineApp('counts', builder => {
 *   builder.stream('words', text).groupByKey().count({ store: 'counts' })
 * })
 * await using broker = await startBroker()
 * const [platform, bootstrap] = [nodePlatform(), [broker.address]]
 * await using client = createLogClient({ platform, bootstrap, connector: broker.connector() })
 * await client.createTopics([{ name: 'words' }])
 * const options = { client, stateFolder: './state', applicationServer: '127.0.0.1:0' }
 * await using application = await startApplication(app, options)
 * await application.untilEnd()
 * const { endpoint, streamsMetadata } = application
 * const { partition, active, standbys } = streamsMetadata.ofKey('counts', 'a')
 * partition // → 0
 * active === endpoint // → true
 * standbys // → []
 * streamsMetadata.instances().map(({ stores }) => stores) // → [
 * //   [{ store: 'counts', partitions: [0], standbyPartitions: [] }]
 * // ]
 * ```
 */
export interface StreamsMetadata {
  /**
   * Where a key of a store is: Kafka Streams' `queryMetadataForKey`. Throws UNKNOWN_STORE when there is no such store, and
   * INVALID_CONFIG when only a partitioner of the user's knows: then give it.
   */
  ofKey(
    store: string,
    key: unknown,
    partitioner?: (key: unknown, partitions: number) => number,
  ): KeyQueryMetadata
  /** All instances that can be asked, with their stores: Kafka Streams' `metadataForAllStreamsClients`. */
  instances(): InstanceMetadata[]
}

/** Keeps what the group says of its instances. Kafka Streams' `StreamsMetadataState`. */
export class StreamsMetadataState implements StreamsMetadata {
  readonly #topology: Topology
  readonly #plan: () => PartitionPlan
  routing: readonly Route[] = []

  constructor(topology: Topology, plan: () => PartitionPlan) {
    this.#topology = topology
    this.#plan = plan
  }

  /** How many partitions a store has. */
  partitions(subtopology: number): number {
    const { tasks } = this.#plan()
    return tasks.reduce((most, { partition, subtopology: { id } }) => {
      return id === subtopology ? Math.max(most, partition + 1) : most
    }, 0)
  }

  plannedTask(id: string): PlannedTask | undefined {
    return this.#plan().tasks.find(task => task.id === id)
  }

  /**
   * The partition of a key: by the murmur2 hash of its bytes, of a key in a window without the window. Null where a partitioner
   * of the user's has decided, or the records of the store come by several ways.
   */
  partitionOf(
    { definition, subtopology }: { definition: QueryableDefinition; subtopology: number },
    key: unknown,
  ): number | null {
    if (this.#isPartitionedByUser(subtopology)) return null
    const { key: serde } = definition
    const isInWindow = serde instanceof WindowedSerde || serde instanceof SessionWindowedSerde
    const bytes =
      isInWindow && isWindowed(key)
        ? serde.key.serialize(key.key)
        : storeSerdes(definition).keyBytes(key)
    return partitionForKey(bytes, this.partitions(subtopology))
  }

  #isPartitionedByUser(subtopology: number): boolean {
    const part = this.#topology.subtopologies.find(({ id }) => id === subtopology)
    const topics = new Set(part === undefined ? [] : subtopologyTopics(part))
    const nodes = this.#topology.subtopologies.flatMap(each => each.nodes)
    return nodes.some(node => {
      if (node.kind !== 'sink' || node.partitioner === undefined) return false
      if (node.key instanceof WindowedSerde || node.key instanceof SessionWindowedSerde)
        return false
      return topicsOfSink(node).some(topic => topics.has(topic))
    })
  }

  ofKey(
    store: string,
    key: unknown,
    partitioner?: (key: unknown, partitions: number) => number,
  ): KeyQueryMetadata {
    const found = queryableStore(store, this.#topology)
    const partition =
      partitioner?.(key, this.partitions(found.subtopology)) ?? this.partitionOf(found, key)
    if (partition !== null) return this.ofPartition(found.subtopology, partition)
    throw new MillraceError(
      'INVALID_CONFIG',
      `What comes into the store ${store} was put into partitions by a partitioner of its own. Give queryMetadataForKey the same.`,
    )
  }

  ofPartition(subtopology: number, partition: number): KeyQueryMetadata {
    const taskId = `${subtopology}_${partition}`
    const active = this.routing.find(route => route.active.includes(taskId))?.endpoint ?? null
    const standbys = this.routing.filter(route => route.standby.includes(taskId))
    return { partition, active, standbys: standbys.map(({ endpoint }) => endpoint) }
  }

  instances(): InstanceMetadata[] {
    return this.routing.map(({ endpoint, active, standby }) => {
      const stores: StoreMetadata[] = []
      for (const { id, stores: definitions } of this.#topology.subtopologies) {
        const [partitions, standbyPartitions] = [active, standby].map(tasks =>
          partitionsIn(tasks, id),
        )
        if (partitions === undefined || standbyPartitions === undefined) continue
        if (partitions.length + standbyPartitions.length === 0) continue
        for (const { name } of definitions)
          stores.push({ store: name, partitions, standbyPartitions })
      }
      return { endpoint, stores }
    })
  }
}

const partitionsIn = (tasks: readonly string[], subtopology: number): number[] =>
  tasks
    .map(task => task.split('_').map(Number))
    .flatMap(([id, partition]) =>
      id === subtopology && partition !== undefined ? [partition] : [],
    )
    .sort((a, b) => a - b)

const isWindowed = (key: unknown): key is { key: unknown } =>
  typeof key === 'object' && key !== null && 'key' in key
