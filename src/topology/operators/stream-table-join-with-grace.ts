import type { RecordBuffer } from '../../state/record-buffer.ts'
import { MillraceError } from '../../errors.ts'
import type { TableView } from '../compile/plan-tables.ts'
import { forwardHeld } from '../forward-held.ts'
import type { ProcessorSupplier } from '../processor.ts'
import type { RecordMetadata, StreamRecord } from '../record.ts'
import type { TableJoin } from './stream-table-join.ts'

/**
 * Joins each record of the stream with the row of its time, but not before the stream has gone on by the grace: until then the
 * table may still learn of changes that were before the record. Records leave by time, then key. One that is older than that
 * when it comes is joined at once. Only what waits moves the time. `KStreamKTableJoinProcessor` with a buffer.
 */
export function streamTableJoinWithGrace(
  { joiner, join }: Pick<TableJoin, 'joiner' | 'join'>,
  view: TableView,
  { bufferStore, graceMs }: { bufferStore: string; graceMs: number },
): ProcessorSupplier {
  return context => {
    const rowOf = view.get(context)
    const buffer = context.store<RecordBuffer>(bufferStore)
    const joinNow = (
      { key, value, timestamp, headers }: StreamRecord<unknown, unknown>,
      metadata: RecordMetadata | null,
    ): void => {
      const row = rowOf(key, timestamp)?.value ?? null
      if (row === null && join === 'inner') return
      forwardHeld(context, { key, value: joiner(value, row, key), timestamp, headers }, metadata)
    }
    return {
      process(record) {
        const { key, value, timestamp, headers } = record
        if (value === null || (key === null && join === 'inner')) {
          context.drop(value === null ? 'the value is null' : 'the key is null')
          return
        }
        if (key === null) throw noKey(context.nodeName)
        if (timestamp < buffer.streamTime - graceMs) {
          joinNow(record, context.recordMetadata)
          return
        }
        buffer.put({ key, value, timestamp, headers, metadata: context.recordMetadata })
        for (const due of buffer.release(buffer.streamTime - graceMs)) joinNow(due, due.metadata)
      },
      close: () => rowOf.close?.(),
    }
  }
}

/** Kafka Streams fails too: its buffer has no place for such a record, although the join would have a result for it. */
function noKey(node: string): MillraceError {
  return new MillraceError(
    'PROCESSING_ERROR',
    `${node} was given a record without a key, which cannot wait for the grace of the join. Take such records out before ` +
      'it, with filter.',
  )
}
