import { MillraceError } from '../../errors.ts'
import type { WithoutChangelog } from '../../state/store-definition.ts'
import type { InternalTopic } from '../topology.ts'

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
  store: WithoutChangelog,
  configs: Readonly<Record<string, string>>,
): InternalTopic {
  const policy = configs['cleanup.policy']
  if (policy !== undefined && !policy.split(',').includes('compact')) {
    throw new MillraceError(
      'INVALID_TOPOLOGY',
      `The changelog of the store ${store.name} would have cleanup.policy=${policy}, which deletes rows that the store still ` +
        'has. Leave the setting out, or let it contain compact.',
    )
  }
  return Object.freeze({
    name: `${applicationId}-${store.name}-changelog`,
    kind: 'changelog',
    configs: Object.freeze({
      'cleanup.policy': 'compact',
      'message.timestamp.type': 'CreateTime',
      ...historyConfigs(store),
      ...configs,
    }),
    ...(Object.keys(configs).length > 0 && { givenConfigs: Object.freeze({ ...configs }) }),
  })
}

/** Compaction keeps one record of a key, and so must wait until nobody asks for the others: `VersionedChangelogTopicConfig`. */
function historyConfigs(store: WithoutChangelog): Readonly<Record<string, string>> {
  if (store.kind !== 'versionedKeyValue') return {}
  return { 'min.compaction.lag.ms': String(store.historyRetentionMs + dayMs) }
}

const dayMs = 86_400_000
