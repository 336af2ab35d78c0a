import { describe, expect, test } from 'vitest'
import {
  isRepeatable,
  logError,
  LogRefusal,
  ProducerFenced,
  remedyFor,
} from '../../src/client/errors.ts'
import type { Remedy } from '../../src/client/errors.ts'
import { errorCode, isRetriable } from '../../src/protocol/error-codes.ts'

type Name = keyof typeof errorCode

const asksAgain: readonly Remedy[] = ['retry', 'refreshMetadata', 'findCoordinator']

/** What ends a membership, a transaction or a producer, but neither the client nor for ever. */
const recoverable: Readonly<Partial<Record<Name, Remedy>>> = {
  ILLEGAL_GENERATION: 'rejoin',
  UNKNOWN_MEMBER_ID: 'rejoin',
  REBALANCE_IN_PROGRESS: 'rejoin',
  FENCED_INSTANCE_ID: 'yieldPlace',
  OUT_OF_ORDER_SEQUENCE_NUMBER: 'resetProducer',
  UNKNOWN_PRODUCER_ID: 'resetProducer',
  INVALID_PRODUCER_EPOCH: 'fenced',
  INVALID_PRODUCER_ID_MAPPING: 'fenced',
  PRODUCER_FENCED: 'fenced',
  TRANSACTION_ABORTABLE: 'abort',
}

/** Why the same request would get the same answer again, for each code that fails a call. */
const final: Readonly<Record<string, readonly Name[]>> = {
  'the broker itself does not know what happened': ['UNKNOWN_SERVER_ERROR'],
  'the request itself, or its records, is refused': [
    'OFFSET_OUT_OF_RANGE',
    'MESSAGE_TOO_LARGE',
    'OFFSET_METADATA_TOO_LARGE',
    'INVALID_TOPIC_EXCEPTION',
    'RECORD_LIST_TOO_LARGE',
    'INVALID_REQUIRED_ACKS',
    'INCONSISTENT_GROUP_PROTOCOL',
    'INVALID_GROUP_ID',
    'INVALID_SESSION_TIMEOUT',
    'INVALID_TIMESTAMP',
    'UNSUPPORTED_VERSION',
    'INVALID_PARTITIONS',
    'INVALID_REPLICATION_FACTOR',
    'INVALID_REPLICA_ASSIGNMENT',
    'INVALID_CONFIG',
    'INVALID_REQUEST',
    'POLICY_VIOLATION',
    'INVALID_TRANSACTION_TIMEOUT',
    'UNSUPPORTED_COMPRESSION_TYPE',
    'INVALID_RECORD',
    'UNSUPPORTED_ASSIGNOR',
    'INVALID_REGULAR_EXPRESSION',
  ],
  'what there is does not fit what is asked': [
    'TOPIC_ALREADY_EXISTS',
    'DUPLICATE_SEQUENCE_NUMBER',
    'INVALID_TXN_STATE',
    'OPERATION_NOT_ATTEMPTED',
    'NON_EMPTY_GROUP',
    'GROUP_ID_NOT_FOUND',
    'TOPIC_DELETION_DISABLED',
    'MEMBER_ID_REQUIRED',
    'GROUP_MAX_SIZE_REACHED',
    'ELECTION_NOT_NEEDED',
    'NO_REASSIGNMENT_IN_PROGRESS',
    'GROUP_SUBSCRIBED_TO_TOPIC',
    'RESOURCE_NOT_FOUND',
    'DUPLICATE_RESOURCE',
    'TRANSACTIONAL_ID_NOT_FOUND',
  ],
  'somebody has to grant it first': [
    'TOPIC_AUTHORIZATION_FAILED',
    'GROUP_AUTHORIZATION_FAILED',
    'CLUSTER_AUTHORIZATION_FAILED',
    'TRANSACTIONAL_ID_AUTHORIZATION_FAILED',
    'UNSUPPORTED_SASL_MECHANISM',
    'ILLEGAL_SASL_STATE',
    'SECURITY_DISABLED',
    'SASL_AUTHENTICATION_FAILED',
    'UNACCEPTABLE_CREDENTIAL',
  ],
  'only brokers, or members of the newer group protocol, are told so': [
    'TRANSACTION_COORDINATOR_FENCED',
    'FENCED_MEMBER_EPOCH',
    'UNRELEASED_INSTANCE_ID',
    'STALE_MEMBER_EPOCH',
  ],
}

const failing = new Set<string>(Object.values(final).flat())

describe.each(Object.entries(errorCode).filter(([name]) => name !== 'NONE'))('%s', (name, code) => {
  test('has one remedy, that of its kind', () => {
    const remedy = remedyFor(code)
    const known = new Map<string, Remedy>(Object.entries(recoverable)).get(name)
    if (isRetriable(code)) expect(asksAgain).toContain(remedy)
    else if (failing.has(name)) expect(remedy).toBe('fail')
    else expect(remedy).toBe(known)
    const kinds = [isRetriable(code), failing.has(name), known !== undefined]
    expect(kinds.filter(Boolean)).toHaveLength(1)
  })

  test('becomes an error of which callers can tell what to do', () => {
    const error = logError(code, 'It did not work')
    const remedy = remedyFor(code)
    expect(error.message).toContain(name)
    expect(isRepeatable(error)).toBe(asksAgain.includes(remedy))
    expect(error instanceof LogRefusal).toBe(remedy === 'fail')
    expect(error instanceof ProducerFenced).toBe(remedy === 'fenced')
    const isMoved = remedy === 'rejoin' || remedy === 'yieldPlace' || remedy === 'fenced'
    expect(error.code === 'TASK_MIGRATED').toBe(isMoved)
    expect(error.retriable).toBe(isMoved || asksAgain.includes(remedy))
  })
})

test('a code that nobody has heard of fails the call, and is named by its number', () => {
  expect(remedyFor(30_000)).toBe('fail')
  expect(logError(30_000, 'It did not work').message).toContain('error 30000')
})
