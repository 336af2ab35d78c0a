/**
 * The numbers by which a broker recognises a batch that it has already written (KIP-98): each partition counts the
 * records of a producer id and epoch from 0; after 2^31 - 1 comes 0 again.
 */
export interface ProducerIdentity {
  readonly producerId: bigint
  readonly producerEpoch: number
  /** Whether its batches are parts of transactions. */
  readonly isTransactional: boolean
}

const sequences = 2 ** 31

/** The sequence of the batch behind one of `recordCount` records that starts at `sequence`. */
export const nextSequence = (sequence: number, recordCount: number): number =>
  (sequence + recordCount) % sequences
