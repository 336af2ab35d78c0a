import type { InternalTopic, StoreDefinition } from '../topology.ts'

/** How much longer than its store a windowed changelog keeps records: clocks of machines differ. Kafka's default. */
const additionalRetentionMs = 24 * 60 * 60 * 1000

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

/** `UnwindowedUnversionedChangelogTopicConfig` and `WindowedChangelogTopicConfig`. */
export function changelogTopic(
  applicationId: string,
  { name, retentionMs }: Pick<StoreDefinition, 'name' | 'retentionMs'>,
): InternalTopic {
  return Object.freeze({
    name: `${applicationId}-${name}-changelog`,
    kind: 'changelog',
    configs: Object.freeze({
      'cleanup.policy': retentionMs === undefined ? 'compact' : 'compact,delete',
      'message.timestamp.type': 'CreateTime',
      ...(retentionMs !== undefined && {
        'retention.ms': String(retentionMs + additionalRetentionMs),
      }),
    }),
  })
}
