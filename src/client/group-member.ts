import { MillraceError } from '../errors.ts'
import { encodeSubscription } from '../protocol/consumer-protocol.ts'
import { errorCode } from '../protocol/error-codes.ts'
import { joinGroup } from '../protocol/messages/11-join-group.ts'
import { leaveGroup } from '../protocol/messages/13-leave-group.ts'
import { syncGroup } from '../protocol/messages/14-sync-group.ts'
import type { Infer } from '../protocol/schema.ts'
import { Sleeper, backoffMs } from './backoff.ts'
import { BrokerConnections } from './broker-connections.ts'
import { retryingCall } from './client-core.ts'
import type { ClientCore } from './client-core.ts'
import { isMembershipRefusal, isRepeatable, logError, remedyFor } from './errors.ts'
import { Coordinator } from './coordinator.ts'
import { decodeShare, encodeShares, memberInfo } from './group-assignment.ts'
import { GroupHeartbeat } from './group-heartbeat.ts'
import type {
  CommittedOffset,
  GroupAssignment,
  GroupIdentity,
  GroupMember,
  GroupOptions,
} from './log-client.ts'
import { commitOffsets } from './offset-commit.ts'

/** Kafka's name for groups whose members share out partitions. */
const protocolType = 'consumer'

type Joined = Infer<typeof joinGroup.response>

/** One generation of the group in which the member has a share. */
interface Membership {
  readonly memberId: string
  readonly generation: number
  /** Resolves when the member has to join again, or leaves. */
  readonly ended: Promise<void>
  readonly end: () => void
  /** The membership after this one; undefined when the member has lost what it had, or left. */
  readonly replaced: Promise<Membership | undefined>
  readonly replace: (next: Membership | undefined) => void
}

interface Share {
  readonly membership: Membership
  readonly assignment: GroupAssignment
}

/**
 * A member of a group under the classic protocol. One loop: join, get a share, hear of a rebalance, join again. What it
 * has stays its own meanwhile, and commits of the old generation go on until the new one begins. So they have connections
 * of their own: behind a join that waits for others nothing gets through. Heartbeats run beside the loop on timers, so that
 * the caller's work never costs the membership.
 *
 * What it has is lost when the group forgets the member, or begins a generation without it. Kafka's ConsumerCoordinator.
 */
export class KafkaGroupMember implements GroupMember {
  readonly #core: ClientCore
  readonly #options: GroupOptions
  readonly #connections: BrokerConnections
  readonly #coordinator: Coordinator
  readonly #commitConnections: BrokerConnections
  readonly #commitCoordinator: Coordinator
  readonly #sleeper: Sleeper
  readonly #heartbeat: GroupHeartbeat
  #memberId = ''
  /** A join was sent that the group has not answered: it may have a member by now that does not know its id. */
  #isUnanswered = false
  /** In which the member has a share. */
  #held: Membership | undefined
  /** The newest generation whose leader was told of what the member has. */
  #tookPartIn = -1
  /** Between the beginning of a generation and the share of it. */
  #isSyncing = false
  /** The group has forgotten the member. */
  #isForgotten = false
  /** Somebody has asked for a rebalance since the last join was sent. */
  #rejoins = false
  #left = false

  constructor(core: ClientCore, options: GroupOptions) {
    const { group } = options
    this.#core = core
    this.#options = options
    this.#connections = new BrokerConnections(core.connector)
    this.#coordinator = new Coordinator('group', group, core.cluster, this.#connections)
    this.#commitConnections = new BrokerConnections(core.connector)
    this.#commitCoordinator = new Coordinator('group', group, core.cluster, this.#commitConnections)
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

  get commitsAtOnce(): boolean {
    return !this.#isSyncing
  }

  async commit(offsets: readonly CommittedOffset[]): Promise<void> {
    let membership = this.#current()
    while (!(await this.#commitIn(membership, offsets))) {
      membership = await this.#after(membership)
    }
  }

  /** False when the group knows no such member of this generation. */
  #commitIn(membership: Membership, offsets: readonly CommittedOffset[]): Promise<boolean> {
    const identity = this.#identityOf(membership)
    const attempt = async (): Promise<boolean> => {
      const refusal = await commitOffsets(this.#commitCoordinator, identity, offsets)
      if (refusal === undefined) return true
      if (isMembershipRefusal(refusal.errorCode)) return false
      throw refusal.error
    }
    return retryingCall(this.#core, 'committing offsets', attempt, this.#sleeper)
  }

  identity(): GroupIdentity {
    return this.#identityOf(this.#current())
  }

  async renewed(refused: GroupIdentity): Promise<GroupIdentity> {
    const membership = this.#current()
    const { memberId, generation } = membership
    const isThis = refused.memberId === memberId && refused.generation === generation
    return this.#identityOf(isThis ? await this.#after(membership) : membership)
  }

  rejoin(): void {
    this.#rejoins = true
    this.#held?.end()
  }

  #identityOf({ memberId, generation }: Membership): GroupIdentity {
    const { group, instanceId } = this.#options
    return { group, memberId, generation, instanceId: instanceId ?? null }
  }

  #current(): Membership {
    if (this.#held !== undefined && !this.#isForgotten) return this.#held
    throw this.#nothingHeld()
  }

  /** Joins again, if that is not under way, and resolves when there is a share of the next generation. */
  async #after(membership: Membership): Promise<Membership> {
    membership.end()
    const next = await membership.replaced
    if (next === undefined) throw this.#nothingHeld()
    return next
  }

  #nothingHeld(): MillraceError {
    return new MillraceError(
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
      if (this.#memberId !== '' || this.#hasStaticPlace) await this.#sendLeave()
    } catch (error) {
      const { group } = this.#options
      this.#core.logger.warn(
        { group, error },
        'The group could not be left; it will notice after the session timeout.',
      )
    }
    await this.#closeConnections()
  }

  /** A static member can leave by its instance id alone, which is another's where the group has said so. */
  get #hasStaticPlace(): boolean {
    return this.#options.instanceId !== undefined && this.#isUnanswered
  }

  async close(): Promise<void> {
    this.#end()
    await this.#closeConnections()
  }

  async #closeConnections(): Promise<void> {
    await Promise.all([this.#connections.close(), this.#commitConnections.close()])
    this.#core.parts.delete(this)
  }

  #end(): void {
    this.#left = true
    this.#sleeper.close()
    this.#heartbeat.stop()
    this.#held?.end()
    this.#hold(undefined)
  }

  #hold(membership: Membership | undefined): void {
    this.#held?.replace(membership)
    this.#held = membership
  }

  async #oneGeneration(): Promise<void> {
    const share = await this.#join()
    if (share === undefined || this.#left) return
    const { membership, assignment } = share
    const { memberId, generation } = membership
    const { group } = this.#options
    this.#core.logger.info({ group, memberId, generation }, 'Joined a generation of the group.')
    this.#hold(membership)
    this.#options.assigned(assignment, generation)
    if (this.#rejoins) membership.end()
    await membership.ended
  }

  /** Joins until there is a share; undefined when the member leaves meanwhile. */
  async #join(): Promise<Share | undefined> {
    for (let failures = 1; !this.#left; failures += 1) {
      try {
        if (this.#isForgotten) await this.#lose()
        const joined = await this.#sendJoin()
        if (joined === undefined || this.#isForgotten) continue
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
      } finally {
        this.#isSyncing = false
      }
      this.#heartbeat.stop()
      await this.#sleeper.sleep(backoffMs(failures, this.#core.platform.random))
    }
    return undefined
  }

  /** What the member had is others' now. */
  async #lose(): Promise<void> {
    this.#heartbeat.stop()
    this.#isForgotten = false
    if (this.#held === undefined) return
    this.#hold(undefined)
    await this.#options.lost()
  }

  /** One JoinGroup; undefined when it has to be sent again at once. */
  async #sendJoin(): Promise<Joined | undefined> {
    const { group, instanceId, protocol, rebalanceTimeoutMs, sessionTimeoutMs } = this.#options
    const { topics, userData } = this.#options
    this.#rejoins = false
    this.#heartbeat.stop()
    // The generation also makes a subscription another one after each rebalance: of members that come again as they were
    // the coordinator takes no notice.
    const generationId = this.#held?.generation ?? -1
    const metadata = encodeSubscription({ topics, userData, generationId })
    const body = {
      groupId: group,
      sessionTimeoutMs,
      rebalanceTimeoutMs,
      memberId: this.#memberId,
      groupInstanceId: instanceId ?? null,
      protocolType,
      protocols: [{ name: protocol, metadata }],
      reason: null,
    }
    this.#isUnanswered = true
    const joined = await this.#coordinator.request(joinGroup, body, { waitMs: rebalanceTimeoutMs })
    this.#isUnanswered = false
    if (joined.errorCode === errorCode.MEMBER_ID_REQUIRED && this.#memberId === '') {
      this.#memberId = joined.memberId
      return undefined
    }
    this.#check(joined.errorCode, 'joined')
    this.#memberId = joined.memberId
    const { generationId: generation } = joined
    const missed = this.#held !== undefined && generation > this.#tookPartIn + 1
    this.#tookPartIn = generation
    if (missed) {
      await this.#lose()
      return undefined
    }
    return joined
  }

  /** Gets this member's share, after giving everybody theirs if it leads. */
  async #sync(joined: Joined): Promise<Share | undefined> {
    const { group, instanceId, protocol, rebalanceTimeoutMs } = this.#options
    const { memberId, generationId: generation } = joined
    const membership = newMembership(memberId, generation)
    this.#isSyncing = true
    const heed = (code: number): void => this.#heed(membership, code)
    this.#heartbeat.start(membership, heed)
    const leads = joined.leader === memberId && !joined.skipAssignment
    const assignments = leads
      ? encodeShares(await this.#options.assign(joined.members.map(memberInfo)))
      : []
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
    this.#heartbeat.start(membership, heed)
    return { membership, assignment: decodeShare(memberId, synced.assignment) }
  }

  /** Throws what the code means for joining, after forgetting what it makes invalid. */
  #check(code: number, what: string): void {
    if (code === errorCode.NONE) return
    const { group, instanceId } = this.#options
    this.#coordinator.heed(code)
    const failure = `Group '${group}' could not be ${what}`
    switch (remedyFor(code)) {
      case 'rejoin':
        if (code === errorCode.UNKNOWN_MEMBER_ID) this.#forgotten()
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

  /** Takes in what the answer to a heartbeat says about the membership. */
  #heed(membership: Membership, code: number): void {
    this.#coordinator.heed(code)
    if (code === errorCode.UNKNOWN_MEMBER_ID) this.#forgotten()
    // Also for one whose place was taken, who is told so when it joins.
    if (isMembershipRefusal(code)) membership.end()
  }

  #forgotten(): void {
    this.#memberId = ''
    this.#isForgotten = true
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
  const { promise: ended, resolve: end } = Promise.withResolvers<void>()
  const { promise: replaced, resolve: replace } = Promise.withResolvers<Membership | undefined>()
  return { memberId, generation, ended, end, replaced, replace }
}
