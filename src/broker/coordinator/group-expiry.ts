/**
 * What of a group has outlived its time. Offsets of a group that has members are kept, except those of topics that nobody in
 * a stable consumer group is subscribed to any more; those of an empty group are kept for the retention time since it
 * became empty, and those of a group without membership since their commit. An offset that came with a retention of its
 * own is kept for that. Rules of `ClassicGroup.offsetExpirationCondition` and `OffsetMetadataManager.cleanupExpiredOffsets`
 * (KIP-211), with two differences: what is committed for an empty group counts from its commit, and offsets of topics that
 * do not exist are not kept.
 */
import type { Group } from './group-state.ts'
import type { GroupOffset, OffsetPlace } from './offsets.ts'
import { isPending } from './pending-offsets.ts'
import { subscribedTopics } from './subscribed-topics.ts'

export interface ExpiryOptions {
  /** Wall-clock milliseconds. */
  readonly nowMs: number
  readonly retentionMs: number
  hasTopic(topic: string): boolean
}

export interface Expired {
  readonly offsets: readonly OffsetPlace[]
  /** Nothing of the group is left, and nobody is in it: it goes too. */
  readonly group: boolean
}

export function expired(group: Group, options: ExpiryOptions): Expired {
  const isExpired = offsetExpiry(group, options)
  const offsets: OffsetPlace[] = []
  let kept = 0
  for (const [topic, partitions] of group.offsets) {
    const isGone = !options.hasTopic(topic)
    for (const [partition, offset] of partitions) {
      const goes = isGone || (isExpired(topic, offset) && !isPending(group, topic, partition))
      if (goes) offsets.push({ topic, partition })
      else kept++
    }
  }
  const isUnused = group.phase === 'Empty' && group.reserved.size === 0 && group.pending.size === 0
  return { offsets, group: isUnused && kept === 0 }
}

function offsetExpiry(
  group: Group,
  { nowMs, retentionMs }: ExpiryOptions,
): (topic: string, offset: GroupOffset) => boolean {
  const isOld = (offset: GroupOffset, sinceMs: number): boolean =>
    offset.expireTimestamp === -1 ? nowMs - sinceMs >= retentionMs : nowMs >= offset.expireTimestamp
  if (group.phase === 'Empty') {
    const sinceMs = group.protocolType === null ? -1 : group.phaseSinceMs
    return (_, offset) => isOld(offset, Math.max(sinceMs, offset.commitTimestamp))
  }
  const subscribed = group.phase === 'Stable' ? subscribedTopics(group) : null
  if (subscribed === null) return () => false
  return (topic, offset) => !subscribed.has(topic) && isOld(offset, offset.commitTimestamp)
}
