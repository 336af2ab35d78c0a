import { MillraceError } from '../errors.ts'
import {
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
} from '../protocol/consumer-protocol.ts'
import { errorCode } from '../protocol/error-codes.ts'
import { offsetCommit } from '../protocol/messages/08-offset-commit.ts'
import { joinGroup } from '../protocol/messages/11-join-group.ts'
import { leaveGroup } from '../protocol/messages/13-leave-group.ts'
import { syncGroup } from '../protocol/messages/14-sync-group.ts'
import type { Infer } from '../protocol/schema.ts'
import { Sleeper, backoffMs } from './backoff.ts'
import { BrokerConnections } from './broker-connections.ts'
import { retryingCall } from './client-core.ts'
import type { ClientCore } from './client-core.ts'
import { isRepeatable, logError, remedyFor } from './errors.ts'
import { Coordinator } from './coordinator.ts'
import { GroupHeartbeat } from './group-heartbeat.ts'
import type {
  CommittedOffset,
  GroupAssignment,
  GroupIdentity,
  GroupMember,
  GroupOptions,
} from './log-client.ts'
import { byTopic } from './partition-map.ts'

/** Kafka's name for groups whose members share out partitions. */
const protocolType = 'consumer'

type Joined = Infer<typeof joinGroup.response>

/** Why a share ends: a rebalance takes it in good order, or the group has given it away already. */
type End = 'rebalance' | 'lost' | 'left'

/** Membership of one generation of the group. */
interface Membership {
  readonly memberId: string
  readonly generation: number
  readonly ended: Promise<End>
  /** The first end counts. */
  readonly end: (end: End) => void
}

interface Share {
  readonly membership: Membership
  readonly assignment: GroupAssignment
}

/**
 * A member of a group under the classic protocol. One loop: join, get a share, work until it ends, give it back, join
 * again. Heartbeats run beside it on timers, so that the caller's work never costs the membership.
 */
export class KafkaGroupMember implements GroupMember {
  readonly #core: ClientCore
  readonly #options: GroupOptions
  readonly #connections: BrokerConnections
  readonly #coordinator: Coordinator
  readonly #sleeper: Sleeper
  readonly #heartbeat: GroupHeartbeat
  #memberId = ''
  #membership: Membership | undefined
  #left = false

  constructor(core: ClientCore, options: GroupOptions) {
    this.#core = core
    this.#options = options
    this.#connections = new BrokerConnections(core.connector)
    this.#coordinator = new Coordinator('group', options.group, core.cluster, this.#connections)
    this.#sleeper = new Sleeper(core.platform.timers)
    this.#heartbeat = new GroupHeartbeat(core.platform, this.#coordinator, options)
    core.parts.add(this)
  }

  /** The life of the membership; resolves when it has ended, and never rejects. */
  async run(): Promise<void> {
    try {
      while (!this.#left) await this.#oneGeneration()
    } catch (error) {
      if (this.#left) {
        const { group } = this.#options
        this.#core.logger.error({ group, error }, 'A callback failed while the member left.')
        return
      }
      await this.leave()
      this.#options.failed(error instanceof Error ? error : new Error(String(error)))
    }
  }

  async commit(offsets: readonly CommittedOffset[]): Promise<void> {
    const { group, instanceId } = this.#options
    const membership = this.#current()
    const body = {
      groupId: group,
      generationIdOrMemberEpoch: membership.generation,
      memberId: membership.memberId,
      groupInstanceId: instanceId ?? null,
      retentionTimeMs: -1,
      topics: [...byTopic(offsets)].map(([name, entries]) => ({
        name,
        partitions: entries.map(({ partition, offset, metadata }) => ({
          partitionIndex: partition,
          committedOffset: offset,
          committedLeaderEpoch: -1,
          committedMetadata: metadata,
        })),
      })),
    }
    const attempt = async (): Promise<void> => {
      const response = await this.#coordinator.request(offsetCommit, body)
      for (const { name, partitions } of response.topics) {
        for (const { partitionIndex, errorCode: code } of partitions) {
          if (code === errorCode.NONE) continue
          this.#heed(membership, code)
          const failure = `Offset of ${name}-${partitionIndex} could not be committed for '${group}'`
          throw logError(code, failure)
        }
      }
    }
    await retryingCall(this.#core, 'committing offsets', attempt, this.#sleeper)
  }

  identity(): GroupIdentity {
    const { group, instanceId } = this.#options
    const { memberId, generation } = this.#current()
    return { group, memberId, generation, instanceId: instanceId ?? null }
  }

  #current(): Membership {
    if (this.#membership !== undefined) return this.#membership
    throw new MillraceError(
      'TASK_MIGRATED',
      `Group '${this.#options.group}' has no share for this member at the moment, so it cannot commit.`,
    )
  }

  async leave(): Promise<void> {
    if (this.#left) return
    // A join that waits for others would keep the request to leave waiting behind it.
    this.#end()
    await this.#connections.dropAll()
    try {
      if (this.#memberId !== '') await this.#sendLeave()
    } catch (error) {
      const { group } = this.#options
      this.#core.logger.warn(
        { group, error },
        'The group could not be left; it will notice after the session timeout.',
      )
    }
    await this.#connections.close()
    this.#core.parts.delete(this)
  }

  /** Ends the membership without a word: a static member keeps its place, others are missed later. */
  async close(): Promise<void> {
    this.#end()
    await this.#connections.close()
    this.#core.parts.delete(this)
  }

  #end(): void {
    this.#left = true
    this.#sleeper.close()
    this.#heartbeat.stop()
    this.#membership?.end('left')
    this.#membership = undefined
  }

  async #oneGeneration(): Promise<void> {
    const share = await this.#join()
    if (share === undefined || this.#left) return
    const { membership, assignment } = share
    const { memberId, generation } = membership
    const { group } = this.#options
    this.#core.logger.info({ group, memberId, generation }, 'Joined a generation of the group.')
    await this.#options.assigned(assignment, generation)
    const end = await membership.ended
    if (end === 'rebalance') await this.#options.revoked()
    this.#heartbeat.stop()
    this.#membership = undefined
    if (end === 'lost') await this.#options.lost()
  }

  /** Joins until there is a share; undefined when the member leaves meanwhile. */
  async #join(): Promise<Share | undefined> {
    for (let failures = 1; !this.#left; failures += 1) {
      try {
        const joined = await this.#sendJoin()
        if (joined === undefined) continue
        const share = await this.#sync(joined)
        if (share !== undefined) return share
      } catch (error) {
        if (this.#left) return undefined
        if (!isRepeatable(error)) throw error
        const { group } = this.#options
        this.#core.logger.debug(
          { group, failures, reason: error.message },
          'The group could not be joined; trying again.',
        )
      }
      this.#heartbeat.stop()
      await this.#sleeper.sleep(backoffMs(failures, this.#core.platform.random))
    }
    return undefined
  }

  /** One JoinGroup; undefined when it has to be sent again at once, under the member id that the broker gave. */
  async #sendJoin(): Promise<Joined | undefined> {
    const { group, instanceId, protocol, rebalanceTimeoutMs, sessionTimeoutMs } = this.#options
    const { topics, userData } = this.#options
    const body = {
      groupId: group,
      sessionTimeoutMs,
      rebalanceTimeoutMs,
      memberId: this.#memberId,
      groupInstanceId: instanceId ?? null,
      protocolType,
      protocols: [{ name: protocol, metadata: encodeSubscription({ topics, userData }) }],
      reason: null,
    }
    const joined = await this.#coordinator.request(joinGroup, body, { waitMs: rebalanceTimeoutMs })
    if (joined.errorCode === errorCode.MEMBER_ID_REQUIRED && this.#memberId === '') {
      this.#memberId = joined.memberId
      return undefined
    }
    this.#check(joined.errorCode, 'joined')
    this.#memberId = joined.memberId
    return joined
  }

  /** Gets this member's share, after giving everybody theirs if it leads. */
  async #sync(joined: Joined): Promise<Share | undefined> {
    const { group, instanceId, protocol, rebalanceTimeoutMs } = this.#options
    const { memberId, generationId: generation } = joined
    const membership = newMembership(memberId, generation)
    const heed = (code: number): void => this.#heed(membership, code)
    this.#heartbeat.start(membership, heed)
    const leads = joined.leader === memberId && !joined.skipAssignment
    const assignments = leads ? await this.#assign(joined) : []
    if (this.#left) return undefined
    // The answer may take as long as the leader does, and heartbeats would queue up behind it.
    this.#heartbeat.stop()
    const body = {
      groupId: group,
      generationId: generation,
      memberId,
      groupInstanceId: instanceId ?? null,
      protocolType,
      protocolName: joined.protocolName ?? protocol,
      assignments,
    }
    const synced = await this.#coordinator.request(syncGroup, body, { waitMs: rebalanceTimeoutMs })
    if (synced.errorCode === errorCode.REBALANCE_IN_PROGRESS) return undefined
    this.#check(synced.errorCode, 'synchronised')
    this.#membership = membership
    this.#heartbeat.start(membership, heed)
    return { membership, assignment: assignmentOf(memberId, synced.assignment) }
  }

  async #assign(joined: Joined): Promise<{ memberId: string; assignment: Buffer }[]> {
    const members = joined.members.map(({ memberId, groupInstanceId, metadata }) => {
      const { topics, userData } = decodeSubscription(metadata)
      return { memberId, instanceId: groupInstanceId, topics, userData: userData ?? noUserData }
    })
    const shares = await this.#options.assign(members)
    return shares.map(({ memberId, partitions, userData }) => ({
      memberId,
      assignment: encodeAssignment({
        assignedPartitions: [...byTopic(partitions)].map(([topic, entries]) => ({
          topic,
          partitions: entries.map(entry => entry.partition),
        })),
        userData,
      }),
    }))
  }

  /** Throws what the code means for joining, after forgetting what it makes invalid. */
  #check(code: number, what: string): void {
    if (code === errorCode.NONE) return
    const { group, instanceId } = this.#options
    this.#coordinator.heed(code)
    const failure = `Group '${group}' could not be ${what}`
    switch (remedyFor(code)) {
      case 'rejoin':
        if (code === errorCode.UNKNOWN_MEMBER_ID) this.#memberId = ''
        throw new MillraceError('LOG_ERROR_RETRIABLE', logError(code, failure).message)
      case 'yieldPlace':
        this.#memberId = ''
        throw new MillraceError(
          'LOG_ERROR',
          `Another process joined group '${group}' as '${instanceId}'. ` +
            'Give every running instance an instance id of its own.',
        )
      default:
        throw logError(code, failure)
    }
  }

  /** Takes in what an answer to a heartbeat or a commit says about the share. */
  #heed(membership: Membership, code: number): void {
    this.#coordinator.heed(code)
    if (code === errorCode.REBALANCE_IN_PROGRESS) membership.end('rebalance')
    else if (remedyFor(code) === 'rejoin' || remedyFor(code) === 'yieldPlace') {
      if (code === errorCode.UNKNOWN_MEMBER_ID && membership === this.#membership) {
        this.#memberId = ''
      }
      membership.end('lost')
    }
  }

  async #sendLeave(): Promise<void> {
    const { group, instanceId } = this.#options
    const memberId = this.#memberId
    const response = await this.#coordinator.request(leaveGroup, {
      groupId: group,
      memberId,
      members: [{ memberId, groupInstanceId: instanceId ?? null, reason: null }],
    })
    const code = response.members[0]?.errorCode ?? response.errorCode
    if (code !== errorCode.NONE && code !== errorCode.UNKNOWN_MEMBER_ID) {
      throw logError(code, `Group '${group}' could not be left`)
    }
  }
}

function newMembership(memberId: string, generation: number): Membership {
  const { promise: ended, resolve: end } = Promise.withResolvers<End>()
  return { memberId, generation, ended, end }
}

const noUserData = Buffer.alloc(0)

function assignmentOf(memberId: string, bytes: Buffer): GroupAssignment {
  // Empty when the leader left this member out.
  if (bytes.length === 0) return { memberId, partitions: [], userData: noUserData }
  const { assignedPartitions, userData } = decodeAssignment(bytes)
  const partitions = assignedPartitions.flatMap(({ topic, partitions: indexes }) =>
    indexes.map(partition => ({ topic, partition })),
  )
  return { memberId, partitions, userData: userData ?? noUserData }
}
