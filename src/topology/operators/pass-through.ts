import type { ProcessorSupplier } from '../processor.ts'

/** Forwards everything: a merge is several parents of one such node. `PassThrough`. */
export const passThrough: ProcessorSupplier = context => ({
  process(record) {
    context.forward(record)
  },
})
