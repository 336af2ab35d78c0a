/**
 * Record batches: how many records a second the builder encodes and the reader decodes. Records of 100 bytes with keys
 * of 8, 160 to a batch, without compression; decoding looks at key and value of each and checks the checksum.
 */
import { RecordBatchBuilder } from '../src/protocol/record-batch-builder.ts'
import { RecordReader } from '../src/protocol/record-batch-reader.ts'

const recordsPerBatch = 160
const key = Buffer.alloc(8, 'k')
const value = Buffer.alloc(100, 'v')
const builder = new RecordBatchBuilder()
const reader = new RecordReader()
let checked = 0

function encode(): Buffer {
  builder.reset()
  for (let i = 0; i < recordsPerBatch; i++) {
    builder.append(key, value, 1_700_000_000_000 + i, [])
  }
  return builder.build()
}

function decode(batch: Buffer): void {
  reader.reset(batch)
  while (reader.next()) checked += (reader.key?.length ?? 0) + (reader.value?.length ?? 0)
}

/** Best of five rounds, each long enough to be measured. */
function recordsPerSecond(batchOf: () => void): number {
  let best = 0
  for (let round = 0; round < 5; round++) {
    const batches = 4000
    const start = performance.now()
    for (let i = 0; i < batches; i++) batchOf()
    const seconds = (performance.now() - start) / 1000
    best = Math.max(best, (batches * recordsPerBatch) / seconds)
  }
  return best
}

const batch = encode()
const millions = (rate: number) => `${(rate / 1e6).toFixed(2)} M records/s`
process.stdout.write(`batch encode  ${millions(recordsPerSecond(encode))}\n`)
process.stdout.write(`batch decode  ${millions(recordsPerSecond(() => decode(batch)))}\n`)
if (checked === 0) throw new Error('Nothing was decoded.')
