import { MillraceError } from '../errors.ts'
import type { ErrorCode } from '../errors.ts'
import { errorCode, errorName } from '../protocol/error-codes.ts'

/**
 * What a client does about an error code, in one table. Codes that are not here fail the call: repeating it without a
 * change by somebody would give the same answer.
 */
export type Remedy =
  /** Ask again after a pause. */
  | 'retry'
  /** Ask again after a pause, wherever fresh metadata says the leader or controller is. */
  | 'refreshMetadata'
  /** Ask again after a pause, wherever the group's coordinator is now. */
  | 'findCoordinator'
  /** The group is in another generation, or has forgotten this member: join again. */
  | 'rejoin'
  /** Another process has taken this member's place for good. */
  | 'yieldPlace'
  /** Another producer has taken over the transactional id: this one can do nothing any more. */
  | 'fenced'
  /** The transaction can only be aborted. */
  | 'abort'
  /** The broker's memory of this producer and ours differ: only a new producer id can go on. */
  | 'resetProducer'
  | 'fail'

interface Meaning {
  readonly remedy: Remedy
  readonly reason: string
}

const meaning = (remedy: Remedy, reason: string): Meaning => ({ remedy, reason })

const meanings = new Map<number, Meaning>([
  [errorCode.CORRUPT_MESSAGE, meaning('retry', 'the batch was damaged on its way to the broker')],
  [
    errorCode.UNKNOWN_TOPIC_OR_PARTITION,
    meaning('refreshMetadata', 'the broker does not know the partition, or not yet'),
  ],
  [errorCode.LEADER_NOT_AVAILABLE, meaning('refreshMetadata', 'a leader is being elected')],
  [
    errorCode.NOT_LEADER_OR_FOLLOWER,
    meaning('refreshMetadata', 'the partition has another leader'),
  ],
  [errorCode.FENCED_LEADER_EPOCH, meaning('refreshMetadata', 'a newer leader was elected')],
  [
    errorCode.UNKNOWN_LEADER_EPOCH,
    meaning('refreshMetadata', 'the broker has not heard of the newest election yet'),
  ],
  [errorCode.UNKNOWN_TOPIC_ID, meaning('refreshMetadata', 'the topic was deleted or created anew')],
  [
    errorCode.INCONSISTENT_TOPIC_ID,
    meaning('refreshMetadata', 'the topic was deleted and created anew'),
  ],
  [errorCode.KAFKA_STORAGE_ERROR, meaning('refreshMetadata', "the leader's disk failed")],
  [
    errorCode.REPLICA_NOT_AVAILABLE,
    meaning('refreshMetadata', 'the broker has no copy of the partition at the moment'),
  ],
  [
    errorCode.NETWORK_EXCEPTION,
    meaning('refreshMetadata', 'the broker lost its connection to another one'),
  ],
  [
    errorCode.LISTENER_NOT_FOUND,
    meaning('refreshMetadata', 'the leader cannot be reached on the listener of this client yet'),
  ],
  [
    errorCode.FETCH_SESSION_TOPIC_ID_ERROR,
    meaning('refreshMetadata', 'topics were deleted or created anew'),
  ],
  [
    errorCode.FETCH_SESSION_ID_NOT_FOUND,
    meaning('retry', 'the broker has forgotten the fetch session'),
  ],
  [
    errorCode.INVALID_FETCH_SESSION_EPOCH,
    meaning('retry', 'the fetch session is at another request'),
  ],
  [errorCode.NOT_CONTROLLER, meaning('refreshMetadata', 'another broker is the controller')],
  [errorCode.REQUEST_TIMED_OUT, meaning('retry', 'the broker did not finish in time')],
  [errorCode.NOT_ENOUGH_REPLICAS, meaning('retry', 'too few replicas are in sync')],
  [
    errorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND,
    meaning('retry', 'the batch was written, but to too few replicas'),
  ],
  [errorCode.OFFSET_NOT_AVAILABLE, meaning('retry', 'the new leader is still catching up')],
  [
    errorCode.UNSTABLE_OFFSET_COMMIT,
    meaning('retry', 'a transaction that commits these offsets is still open'),
  ],
  [
    errorCode.CONCURRENT_TRANSACTIONS,
    meaning('retry', 'the previous transaction is still being completed'),
  ],
  [errorCode.THROTTLING_QUOTA_EXCEEDED, meaning('retry', 'a quota is used up for the moment')],
  [
    errorCode.COORDINATOR_LOAD_IN_PROGRESS,
    meaning('retry', 'the coordinator is still reading its state'),
  ],
  [
    errorCode.COORDINATOR_NOT_AVAILABLE,
    meaning('findCoordinator', 'there is no coordinator at the moment'),
  ],
  [errorCode.NOT_COORDINATOR, meaning('findCoordinator', 'another broker is the coordinator')],
  [errorCode.ILLEGAL_GENERATION, meaning('rejoin', 'the group is in a newer generation')],
  [
    errorCode.UNKNOWN_MEMBER_ID,
    meaning('rejoin', 'the coordinator removed this member, for instance after silence'),
  ],
  [errorCode.REBALANCE_IN_PROGRESS, meaning('rejoin', 'the group is sharing its work out anew')],
  [
    errorCode.FENCED_INSTANCE_ID,
    meaning('yieldPlace', 'another process joined under the same instance id'),
  ],
  [
    errorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
    meaning('resetProducer', 'an earlier batch of this producer is missing in the log'),
  ],
  [
    errorCode.UNKNOWN_PRODUCER_ID,
    meaning('resetProducer', 'the log keeps nothing of this producer any more'),
  ],
  [
    errorCode.INVALID_PRODUCER_EPOCH,
    meaning('fenced', 'a newer producer took over the producer id'),
  ],
  [errorCode.PRODUCER_FENCED, meaning('fenced', 'a newer producer took over the transactional id')],
  [
    errorCode.INVALID_PRODUCER_ID_MAPPING,
    meaning('fenced', 'the coordinator knows another producer id'),
  ],
  [
    errorCode.TRANSACTION_ABORTABLE,
    meaning('abort', 'the transaction cannot go on and has to be aborted'),
  ],
])

/** What to do about an error code other than NONE. */
export const remedyFor = (code: number): Remedy => meanings.get(code)?.remedy ?? 'fail'

/** What the principal of a client lacks, by the kind of thing that it is refused. */
const rights = new Map<number, string>([
  [
    errorCode.TOPIC_AUTHORIZATION_FAILED,
    'on the topic: DESCRIBE and READ to read it, DESCRIBE and WRITE to write it, DELETE for repartition topics, CREATE ' +
      '(or CREATE on the cluster) where it does not exist',
  ],
  [
    errorCode.GROUP_AUTHORIZATION_FAILED,
    'READ on the group, which has the name of the application',
  ],
  [
    errorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
    'WRITE and DESCRIBE on transactional ids that begin with the name of the application',
  ],
  [
    errorCode.CLUSTER_AUTHORIZATION_FAILED,
    'on the cluster: CREATE where topics are created, IDEMPOTENT_WRITE to write without transactions to brokers before 2.8',
  ],
])

const codeOf: Readonly<Record<Remedy, ErrorCode>> = {
  retry: 'LOG_ERROR_RETRIABLE',
  refreshMetadata: 'LOG_ERROR_RETRIABLE',
  findCoordinator: 'LOG_ERROR_RETRIABLE',
  rejoin: 'TASK_MIGRATED',
  yieldPlace: 'TASK_MIGRATED',
  fenced: 'TASK_MIGRATED',
  abort: 'LOG_ERROR',
  resetProducer: 'LOG_ERROR',
  fail: 'LOG_ERROR',
}

/**
 * The error for a caller who must act on a protocol error code. `failure` is what did not work, as a sentence without
 * its full stop; `detail` is the broker's own explanation, if it gave one.
 */
export function logError(code: number, failure: string, detail?: string | null): MillraceError {
  const known = meanings.get(code)
  const reason = detail ?? known?.reason
  const right = rights.get(code)
  if (right !== undefined) {
    return new LogRefusal(
      code,
      `${failure}: the broker answered ${errorName(code)}. Grant the principal of this client ${right}.`,
      'UNAUTHORIZED',
    )
  }
  const because = reason === undefined || reason === '' ? '' : ` (${reason.replace(/\.$/, '')})`
  const remedy = known?.remedy ?? 'fail'
  const sentence = `${failure}: the broker answered ${errorName(code)}${because}.`
  if (remedy === 'fail') return new LogRefusal(code, sentence)
  if (remedy === 'fenced') return new ProducerFenced(sentence)
  return new MillraceError(codeOf[remedy], sentence)
}

/**
 * Another producer has taken over the transactional id, or the coordinator has ended a transaction that took too long: this
 * producer can do nothing any more, the next one can.
 */
export class ProducerFenced extends MillraceError {
  constructor(message: string) {
    super('TASK_MIGRATED', message)
  }
}

/** What the broker refuses for good, with its error code in Kafka's protocol. */
export class LogRefusal extends MillraceError {
  readonly errorCode: number

  constructor(code: number, message: string, kind: ErrorCode = 'LOG_ERROR') {
    super(kind, message)
    this.errorCode = code
  }
}

/** The group is in another generation than the member, or has none of it: joining again tells which. */
export const isMembershipRefusal = (code: number): boolean =>
  remedyFor(code) === 'rejoin' || remedyFor(code) === 'yieldPlace'

/** Whether the same request may succeed when it is sent again after a pause. */
export const isRepeatable = (error: unknown): error is MillraceError =>
  error instanceof MillraceError &&
  (error.code === 'CONNECTION_LOST' || error.code === 'LOG_ERROR_RETRIABLE')

/** Whether the connection is of no more use after this error. */
export const isConnectionFailure = (error: unknown): boolean =>
  error instanceof MillraceError &&
  (error.code === 'CONNECTION_LOST' || error.code === 'PROTOCOL_ERROR' || error.code === 'CLOSED')
