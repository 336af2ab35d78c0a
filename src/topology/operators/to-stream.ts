import type { ProcessorSupplier } from '../processor.ts'
import { type Change, type StreamRecord, withValue } from '../record.ts'

/** The changes of a table as records: new values, and nulls for deleted rows. `KTableImpl#toStream`. */
export const toStream: ProcessorSupplier = context => ({
  process(record: StreamRecord<unknown, Change<unknown>>) {
    context.forward(withValue(record, record.value.newValue))
  },
})
