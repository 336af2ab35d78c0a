import type { PartitionLog } from '../../../src/broker/log/partition-log.ts'
import { endOf } from '../../../src/broker/log/compaction/sparse-batches.ts'
import { readControlRecord } from '../../../src/protocol/control-batch.ts'
import { RecordReader } from '../../../src/protocol/record-batch-reader.ts'

/**
 * The values that a read_committed consumer shows: reads pieces of at most `maxBytes` below the last stable offset, and in
 * each leaves out what the producers of aborted transactions wrote from the first offset to the marker, as clients do.
 */
export function readCommitted(log: PartitionLog, maxBytes: number): string[] {
  const values: string[] = []
  const reader = new RecordReader()
  for (let at = log.startOffset; at < log.lastStableOffset;) {
    const batches = log.read(at, maxBytes, { upTo: log.lastStableOffset })
    if (batches.length === 0) return values
    const end = endOf(batches)
    const aborted = [...log.abortedTransactions(at, end)]
    const leftOut = new Set<bigint>()
    reader.reset(batches)
    while (reader.next()) {
      for (
        let next = aborted[0];
        next !== undefined && next.firstOffset <= reader.offset;
        next = aborted[0]
      ) {
        leftOut.add(next.producerId)
        aborted.shift()
      }
      if (reader.isControl) {
        if (readControlRecord(reader.key, reader.value)?.type === 'abort') {
          leftOut.delete(reader.producerId)
        }
      } else if (
        reader.offset >= at &&
        !(reader.isTransactional && leftOut.has(reader.producerId))
      ) {
        values.push(reader.value?.toString() ?? 'null')
      }
    }
    at = end
  }
  return values
}
