/**
 * The records of `__consumer_offsets` as the coordinator writes and reads them: in Apache Kafka's own formats, so that
 * tools which read that topic work. The version of a key says what the record is about; a value of null takes its key's
 * state away.
 */
import {
  groupMetadataKey,
  groupMetadataValue,
  offsetCommitKey,
  offsetCommitValue,
} from '../../protocol/internal-topics.ts'
import type { Infer, InferInput } from '../../protocol/schema.ts'
import { decodeVersioned, encodeVersioned } from '../../protocol/versioned.ts'
import type { CoordinatorRecord } from './coordinator-partition.ts'

export type GroupValue = Infer<typeof groupMetadataValue>

/** What a record says. Other kinds, which other releases of Kafka write, are passed over. */
export type ReadRecord =
  | {
      readonly kind: 'offset'
      readonly key: Infer<typeof offsetCommitKey>
      readonly value: Infer<typeof offsetCommitValue> | null
    }
  | { readonly kind: 'group'; readonly groupId: string; readonly value: GroupValue | null }
  | { readonly kind: 'other' }

export function offsetRecord(
  key: InferInput<typeof offsetCommitKey>,
  value: InferInput<typeof offsetCommitValue> | null,
): CoordinatorRecord {
  return {
    key: encodeVersioned(offsetCommitKey, 1, key),
    value: value === null ? null : encodeVersioned(offsetCommitValue, versionFor(value), value),
  }
}

/** Only version 1 has a time of expiry. */
function versionFor({ expireTimestamp = -1 }: InferInput<typeof offsetCommitValue>): number {
  return expireTimestamp === -1 ? 3 : 1
}

export function groupRecord(
  groupId: string,
  value: InferInput<typeof groupMetadataValue> | null,
): CoordinatorRecord {
  return {
    key: encodeVersioned(groupMetadataKey, 2, { group: groupId }),
    value: value === null ? null : encodeVersioned(groupMetadataValue, 3, value),
  }
}

/** Throws PROTOCOL_ERROR when key or value are not what their version says. */
export function readRecord(key: Buffer, value: Buffer | null): ReadRecord {
  const kind = key.length < 2 ? -1 : key.readInt16BE(0)
  if (kind === 0 || kind === 1) {
    return {
      kind: 'offset',
      key: decodeVersioned(offsetCommitKey, key),
      value: value === null ? null : decodeVersioned(offsetCommitValue, value),
    }
  }
  if (kind !== 2) return { kind: 'other' }
  return {
    kind: 'group',
    groupId: decodeVersioned(groupMetadataKey, key).group,
    value: value === null ? null : decodeVersioned(groupMetadataValue, value),
  }
}
