import {
  attributeBit,
  setPartitionLeaderEpoch,
  sizeInBytes,
  stampProducer,
} from './record-batch.ts'
import { RecordBatchBuilder } from './record-batch-builder.ts'
import { RecordReader } from './record-batch-reader.ts'

/**
 * Control batches: the marker that ends a transaction in one partition. It holds one record that no application sees.
 * Kafka: EndTransactionMarker, ControlRecordType.
 */
export interface EndTransactionMarker {
  readonly type: 'abort' | 'commit'
  readonly coordinatorEpoch: number
}

export interface ControlBatchOptions extends EndTransactionMarker {
  readonly producerId: bigint
  readonly producerEpoch: number
  /** Milliseconds since the epoch. */
  readonly timestamp: number
  readonly partitionLeaderEpoch?: number
}

const types = ['abort', 'commit'] as const

/** A finished control batch with base offset 0. */
export function buildControlBatch(options: ControlBatchOptions): Buffer {
  const key = Buffer.alloc(4)
  key.writeInt16BE(types.indexOf(options.type), 2)
  const value = Buffer.alloc(6)
  value.writeInt32BE(options.coordinatorEpoch, 2)
  const builder = new RecordBatchBuilder(128)
  builder.append(key, value, options.timestamp, [])
  const batch = builder.build()
  batch.writeInt16BE(attributeBit.control, 21)
  setPartitionLeaderEpoch(batch, options.partitionLeaderEpoch ?? -1)
  const { producerId, producerEpoch } = options
  stampProducer(batch, { producerId, producerEpoch, baseSequence: -1, isTransactional: true })
  return batch
}

/** What the record of a control batch says; null for a type that is not known, which readers skip. */
export function readControlRecord(
  key: Buffer | null,
  value: Buffer | null,
): EndTransactionMarker | null {
  if (key === null || key.length < 4 || value === null || value.length < 6) return null
  const type = types[key.readInt16BE(2)]
  return type === undefined ? null : { type, coordinatorEpoch: value.readInt32BE(2) }
}

/**
 * What the control batch at `at` says, which is never compressed and holds one record (Kafka: EndTransactionMarker). Null
 * when it has no record any more, or is of a type that is not known.
 */
export function readMarker(batches: Buffer, at = 0): EndTransactionMarker | null {
  markers.reset(batches.subarray(at, at + sizeInBytes(batches, at)))
  return markers.next() ? readControlRecord(markers.key, markers.value) : null
}

const markers = new RecordReader({ checkCrc: false })
