import type { EndType } from './transaction.ts'
import type { ProducerInstance } from './transaction-state.ts'

/** How one partition learns that a producer's transaction has ended, and how. */
export interface Marker extends ProducerInstance {
  readonly type: EndType
  /** Of the coordinator that decided it; an older one than the partition has heard of is refused. */
  readonly coordinatorEpoch: number
}

export interface MarkerWriter {
  /**
   * Writes the marker into a partition, where it may be already: another one does no harm. Resolves with NONE when it is
   * durable, and with the error code of why it is not.
   */
  write(topic: string, partition: number, marker: Marker): Promise<number>
}
