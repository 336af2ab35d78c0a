import { decodeMessage } from './codec.ts'
import { array, bytes, int32, message, string, struct } from './schema.ts'
import type { Infer, InferInput } from './schema.ts'
import { encodeVersioned } from './versioned.ts'
import { WireReader } from './wire-reader.ts'

/**
 * What members of a consumer group tell each other: each its subscription, in JoinGroup, and the leader everyone's
 * assignment, in SyncGroup. Opaque to the broker. Kafka: ConsumerProtocolSubscription.json, ConsumerProtocolAssignment.json.
 */
const range = { minVersion: 0, maxVersion: 3, flexibleFrom: null }
const topicPartitions = array(struct({ topic: string, partitions: array(int32) }))

const subscription = message('consumer subscription', range, {
  topics: array(string),
  userData: bytes.nullable().default(null),
  ownedPartitions: topicPartitions.since(1),
  generationId: int32.since(2).default(-1),
  rackId: string.nullable().since(3),
})

const assignment = message('consumer assignment', range, {
  assignedPartitions: topicPartitions,
  userData: bytes.nullable().default(null),
})

export type Subscription = Infer<typeof subscription>
export type Assignment = Infer<typeof assignment>

/** Encodes in the given version (0 to 3). Version 0 is what every client reads. */
export function encodeSubscription(
  value: InferInput<typeof subscription>,
  version: number = range.maxVersion,
): Buffer {
  return encodeVersioned(subscription, version, value)
}

export function encodeAssignment(
  value: InferInput<typeof assignment>,
  version: number = range.maxVersion,
): Buffer {
  return encodeVersioned(assignment, version, value)
}

/**
 * Throws PROTOCOL_ERROR when the bytes are not a subscription. A version from the future is read as the newest one
 * known: later versions only append, and what they append is ignored.
 */
export function decodeSubscription(bytesOfMember: Buffer): Subscription {
  const { version, reader } = openMemberBytes(subscription.name, bytesOfMember)
  return decodeMessage(subscription, version, reader)
}

/** The same for an assignment. */
export function decodeAssignment(bytesOfMember: Buffer): Assignment {
  const { version, reader } = openMemberBytes(assignment.name, bytesOfMember)
  return decodeMessage(assignment, version, reader)
}

function openMemberBytes(what: string, bytesOfMember: Buffer) {
  const reader = new WireReader(bytesOfMember)
  reader.what = what
  const version = reader.int16()
  if (version < 0) reader.fail(`${version} is not a version`)
  return { version: Math.min(version, range.maxVersion), reader }
}
