import { MillraceError } from '../../errors.ts'
import type { Serde } from '../../serde/serde.ts'

/**
 * What the left side of a foreign-key join tells the right one about one of its rows. Kafka Streams' `SubscriptionWrapper`.
 */
export interface Subscription {
  /** Hash of the row's value, null when the row is deleted: an answer to an older value is recognised by it. */
  readonly hash: Buffer | null
  readonly instruction: Instruction
  /** Key of the left row. */
  readonly primaryKey: unknown
  /** Partition of the left row, to which the answer goes. */
  readonly primaryPartition: number
}

/** `SubscriptionWrapper.Instruction`, by their numbers on the wire. */
export const instructions = [
  /** The row points elsewhere now: forget it. */
  'deleteKeyNoPropagate',
  /** The row points nowhere any more: forget it, and answer null. */
  'deleteKeyAndPropagate',
  /** The row points here: answer with the right row, or null. */
  'propagateNullIfNoForeignValueAvailable',
  /** The row points here: answer with the right row, if there is one. */
  'propagateOnlyIfForeignValueAvailable',
] as const

export type Instruction = (typeof instructions)[number]

/** Version 1 of the format, as Kafka Streams has it since 3.4. Answers go to the partition that it carries. */
const version = 1
const hashIsNull = 0x80
const hashBytes = 16

/**
 * A byte of version and a bit for a hash of null, the instruction, the hash, the left key, the left partition (int32).
 * `SubscriptionWrapperSerde`.
 */
export function subscriptionSerde(primaryKey: Serde<unknown>): Serde<Subscription> {
  return {
    name: `subscription of ${primaryKey.name}`,
    serialize({ hash, instruction, primaryKey: key, primaryPartition }) {
      const keyBytes = primaryKey.serialize(key)
      const hashLength = hash?.length ?? 0
      const bytes = Buffer.allocUnsafe(2 + hashLength + keyBytes.length + 4)
      bytes.writeUInt8(hash === null ? version | hashIsNull : version, 0)
      bytes.writeUInt8(instructions.indexOf(instruction), 1)
      hash?.copy(bytes, 2)
      keyBytes.copy(bytes, 2 + hashLength)
      bytes.writeInt32BE(primaryPartition, 2 + hashLength + keyBytes.length)
      return bytes
    },
    deserialize(bytes) {
      const head = bytes.readUInt8(0)
      requireVersion('subscription', head & ~hashIsNull, version)
      const instruction = instructions[bytes.readUInt8(1)]
      if (instruction === undefined) throw new RangeError(`There is no instruction ${bytes[1]}`)
      const keyAt = head & hashIsNull ? 2 : 2 + hashBytes
      return {
        hash: head & hashIsNull ? null : Buffer.from(bytes.subarray(2, keyAt)),
        instruction,
        primaryKey: primaryKey.deserialize(bytes.subarray(keyAt, -4)),
        primaryPartition: bytes.readInt32BE(bytes.length - 4),
      }
    },
  }
}

/** The answer: the right row as of the time of the answer. Kafka Streams' `SubscriptionResponseWrapper`. */
export interface SubscriptionResponse {
  /** That of the subscription. */
  readonly hash: Buffer | null
  readonly foreignValue: unknown
  /** Where the answer goes. It is not on the wire: the partition is. */
  readonly primaryPartition: number
}

/** A byte of version (0) and a bit for a hash of null, the hash, the right value. `SubscriptionResponseWrapperSerde`. */
export function subscriptionResponseSerde(
  foreignValue: Serde<unknown>,
): Serde<SubscriptionResponse> {
  return {
    name: `answer with ${foreignValue.name}`,
    serialize({ hash, foreignValue: value }) {
      const valueBytes = value === null ? noBytes : foreignValue.serialize(value)
      const head = Buffer.from([hash === null ? hashIsNull : 0])
      return Buffer.concat([head, hash ?? noBytes, valueBytes])
    },
    deserialize(bytes) {
      const head = bytes.readUInt8(0)
      requireVersion('answer', head & ~hashIsNull, 0)
      const valueAt = head & hashIsNull ? 1 : 1 + hashBytes
      const valueBytes = bytes.subarray(valueAt)
      return {
        hash: head & hashIsNull ? null : Buffer.from(bytes.subarray(1, valueAt)),
        // As in Kafka Streams, a right row whose value has no bytes is taken for none.
        foreignValue: valueBytes.length === 0 ? null : foreignValue.deserialize(valueBytes),
        primaryPartition: -1,
      }
    },
  }
}

function requireVersion(what: string, found: number, known: number): void {
  if (found === known) return
  throw new MillraceError(
    'SERDE_ERROR',
    `A message of a foreign-key join (${what}) has version ${found}, and this release reads version ${known}. Let all ` +
      'instances run the same release.',
  )
}

const noBytes = Buffer.alloc(0)

/** Where a left row stands among those that point at a right row. Kafka Streams' `CombinedKey`. */
export interface CombinedKey {
  readonly foreignKey: unknown
  readonly primaryKey: unknown
}

/** Length of the right key (int32), right key, left key. `CombinedKeySchema`. */
export function combinedKeySerde(
  foreignKey: Serde<unknown>,
  primaryKey: Serde<unknown>,
): Serde<CombinedKey> {
  return {
    name: `${foreignKey.name} and ${primaryKey.name}`,
    serialize: key =>
      Buffer.concat([
        foreignKeyPrefix(foreignKey, key.foreignKey),
        primaryKey.serialize(key.primaryKey),
      ]),
    deserialize(bytes) {
      const end = 4 + bytes.readInt32BE(0)
      return {
        foreignKey: foreignKey.deserialize(bytes.subarray(4, end)),
        primaryKey: primaryKey.deserialize(bytes.subarray(end)),
      }
    },
  }
}

/** With what the keys of all left rows begin that point at a right row. */
export function foreignKeyPrefix(foreignKey: Serde<unknown>, key: unknown): Buffer {
  const keyBytes = foreignKey.serialize(key)
  const prefix = Buffer.allocUnsafe(4 + keyBytes.length)
  prefix.writeInt32BE(keyBytes.length, 0)
  keyBytes.copy(prefix, 4)
  return prefix
}
