import type { InternalTopic, StoreDefinition } from '../topology.ts'

/** `RepartitionTopicConfig`: kept until everything in it was consumed; whoever consumes it deletes. */
export function repartitionTopic(
  applicationId: string,
  name: string,
  partitions: number | undefined,
): InternalTopic {
  return Object.freeze({
    name: `${applicationId}-${name}`,
    kind: 'repartition',
    ...(partitions !== undefined && { partitions }),
    configs: Object.freeze({
      'cleanup.policy': 'delete',
      'message.timestamp.type': 'CreateTime',
      'retention.ms': '-1',
      'segment.bytes': '52428800',
    }),
  })
}

/**
 * `UnwindowedUnversionedChangelogTopicConfig`, for window stores too. `WindowedChangelogTopicConfig` adds `delete` with the
 * store's retention and a day, which the broker measures by its own clock: of events of last year the changelog would be
 * gone within minutes while the store still needs it. Here stream time alone decides: the store writes a tombstone for
 * each row that it lets go of, and compaction does the rest.
 */
export function changelogTopic(
  applicationId: string,
  { name }: Pick<StoreDefinition, 'name'>,
): InternalTopic {
  return Object.freeze({
    name: `${applicationId}-${name}-changelog`,
    kind: 'changelog',
    configs: Object.freeze({
      'cleanup.policy': 'compact',
      'message.timestamp.type': 'CreateTime',
    }),
  })
}
