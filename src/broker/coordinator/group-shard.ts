import type { Logger } from '../../logger.ts'
import type { PartitionLog } from '../log/partition-log.ts'
import { type CoordinatorPartition, coordinatorPartition } from './coordinator-partition.ts'
import { restoreGroup } from './group-snapshot.ts'
import { type Group, type GroupSettings, isForgettable, newGroup } from './group-state.ts'
import { setOffset } from './offsets.ts'

/** One partition of `__consumer_offsets` and the groups that are kept in it. */
export interface Shard {
  readonly partition: CoordinatorPartition
  readonly groups: Map<string, Group>
}

export interface ShardOptions {
  readonly leaderEpoch: number
  readonly logger: Logger
  readonly config: GroupSettings
  /** The monotonic clock in milliseconds, from which the sessions of members start anew. */
  readonly nowMs: number
}

/** Replays the partition: the last record of a key is what holds. Throws CORRUPT_DATA when it cannot be read. */
export function openShard(log: PartitionLog, options: ShardOptions): Shard {
  const { leaderEpoch, logger, config, nowMs } = options
  const partition = coordinatorPartition(log, leaderEpoch, logger)
  const groups = new Map<string, Group>()
  partition.replay(record => {
    if (record.kind === 'other') return
    const groupId = record.kind === 'group' ? record.groupId : record.key.group
    const group = groups.get(groupId) ?? newGroup(groupId, config)
    if (record.kind === 'offset') {
      setOffset(group.offsets, record.key.topic, record.key.partition, record.value ?? undefined)
      groups.set(groupId, group)
    } else if (record.value === null) {
      groups.delete(groupId)
    } else {
      const restored = restoreGroup(groupId, record.value, config, nowMs)
      groups.set(groupId, { ...restored, offsets: group.offsets })
    }
  })
  for (const group of groups.values()) if (isForgettable(group)) groups.delete(group.groupId)
  return { partition, groups }
}
