import { MillraceError } from '../errors.ts'
import type { Address } from '../platform/platform.ts'
import { errorCode } from '../protocol/error-codes.ts'
import { metadata } from '../protocol/messages/03-metadata.ts'
import { zeroUuid } from '../protocol/schema.ts'
import type { Api, Infer } from '../protocol/schema.ts'
import type { BrokerConnections } from './broker-connections.ts'
import { isConnectionFailure } from './errors.ts'
import type { TopicPartition } from './log-client.ts'
import { partitionName } from './partition-map.ts'

type MetadataResponse = Infer<typeof metadata.response>
export type MetadataTopic = MetadataResponse['topics'][number]

export interface Leader {
  readonly nodeId: number
  readonly address: Address
  /** The epoch in which the node leads; -1 when the broker does not say. */
  readonly epoch: number
}

interface KnownTopic {
  readonly topicId: string
  readonly partitions: Map<number, { leaderId: number; leaderEpoch: number }>
  /** Something failed since: look again before believing it. */
  stale: boolean
}

/**
 * What the client knows of the cluster: where the brokers listen and which of them leads each partition. Users mark
 * what they found to be wrong (`distrust`) and call `learn` before they try again.
 */
export class ClusterMetadata {
  readonly #bootstrap: readonly Address[]
  readonly #connections: BrokerConnections
  readonly #brokers = new Map<number, Address>()
  readonly #topics = new Map<string, KnownTopic>()
  #controllerId = -1
  /** Advances when a broker does not answer, so that the next attempt asks another one. */
  #turn = 0

  constructor(bootstrap: readonly Address[], connections: BrokerConnections) {
    if (bootstrap.length === 0) {
      throw new MillraceError('INVALID_CONFIG', 'At least one bootstrap address is needed.')
    }
    this.#bootstrap = bootstrap
    this.#connections = connections
  }

  /** Undefined while unknown or distrusted: `learn` first. */
  leader({ topic, partition }: TopicPartition): Leader | undefined {
    const known = this.#topics.get(topic)
    if (known === undefined || known.stale) return undefined
    const found = known.partitions.get(partition)
    const address = found === undefined ? undefined : this.#brokers.get(found.leaderId)
    if (found === undefined || address === undefined) return undefined
    return { nodeId: found.leaderId, address, epoch: found.leaderEpoch }
  }

  /** The zero id while unknown. */
  topicId(topic: string): string {
    return this.#topics.get(topic)?.topicId ?? zeroUuid
  }

  distrust(topics: Iterable<string>): void {
    for (const topic of topics) {
      const known = this.#topics.get(topic)
      if (known !== undefined) known.stale = true
    }
  }

  distrustController(): void {
    this.#controllerId = -1
  }

  /** Asks a broker about the topics (all when null) and returns what it says. Never creates a topic. */
  async learn(names: readonly string[] | null): Promise<MetadataTopic[]> {
    const response = await this.askAnyBroker(metadata, {
      topics: names === null ? null : names.map(name => ({ topicId: zeroUuid, name })),
      allowAutoTopicCreation: false,
      includeClusterAuthorizedOperations: false,
      includeTopicAuthorizedOperations: false,
    })
    this.#controllerId = response.controllerId
    this.#brokers.clear()
    for (const { nodeId, host, port } of response.brokers) this.#brokers.set(nodeId, { host, port })
    for (const topic of response.topics) this.#remember(topic)
    return response.topics
  }

  /**
   * The leader of every given partition, asking for those that are unknown. Throws LOG_ERROR_RETRIABLE when one has
   * none, and names it.
   */
  async leaders<Partition extends TopicPartition>(
    partitions: readonly Partition[],
  ): Promise<Map<Leader, Partition[]>> {
    const unknown = new Set<string>()
    for (const each of partitions) if (this.leader(each) === undefined) unknown.add(each.topic)
    if (unknown.size > 0) await this.learn([...unknown])
    const byNode = new Map<number, { leader: Leader; partitions: Partition[] }>()
    for (const each of partitions) {
      const leader = this.leader(each)
      if (leader === undefined) throw noLeader(each)
      const group = byNode.get(leader.nodeId)
      if (group === undefined) byNode.set(leader.nodeId, { leader, partitions: [each] })
      else group.partitions.push(each)
    }
    return new Map([...byNode.values()].map(group => [group.leader, group.partitions]))
  }

  /** Sends to whichever broker answers. Throws CONNECTION_LOST when the one whose turn it is does not. */
  async askAnyBroker<Request, Response>(
    api: Api<Request, Response>,
    body: Request,
  ): Promise<Response> {
    const known = [...this.#brokers.values(), ...this.#bootstrap]
    const address = known[this.#turn % known.length] ?? this.#bootstrap[0]
    if (address === undefined) throw noController()
    try {
      return await this.#connections.request(address, api, body)
    } catch (error) {
      if (isConnectionFailure(error)) this.#turn += 1
      throw error
    }
  }

  /** Sends to the controller, on which the administration of topics happens. */
  async askController<Request, Response>(
    api: Api<Request, Response>,
    body: Request,
  ): Promise<Response> {
    if (!this.#brokers.has(this.#controllerId)) await this.learn([])
    const address = this.#brokers.get(this.#controllerId)
    if (address === undefined) throw noController()
    try {
      return await this.#connections.request(address, api, body)
    } catch (error) {
      if (isConnectionFailure(error)) this.distrustController()
      throw error
    }
  }

  #remember(topic: MetadataTopic): void {
    if (topic.name === null) return
    if (topic.errorCode !== errorCode.NONE) {
      this.#topics.delete(topic.name)
      return
    }
    const before = this.#topics.get(topic.name)
    const same = before?.topicId === topic.topicId
    const partitions: KnownTopic['partitions'] = new Map()
    for (const { partitionIndex, leaderId, leaderEpoch } of topic.partitions) {
      const old = same ? before.partitions.get(partitionIndex) : undefined
      // A broker that was cut off may still tell of an earlier election.
      const outdated = old !== undefined && leaderEpoch !== -1 && leaderEpoch < old.leaderEpoch
      partitions.set(partitionIndex, outdated ? old : { leaderId, leaderEpoch })
    }
    this.#topics.set(topic.name, { topicId: topic.topicId, partitions, stale: false })
  }
}

const noLeader = (partition: TopicPartition): MillraceError =>
  new MillraceError(
    'LOG_ERROR_RETRIABLE',
    `Partition ${partitionName(partition)} does not exist or has no leader at the moment. ` +
      'Create the topic, or wait until its brokers are back.',
  )

const noController = (): MillraceError =>
  new MillraceError('LOG_ERROR_RETRIABLE', 'The cluster has no controller at the moment.')
