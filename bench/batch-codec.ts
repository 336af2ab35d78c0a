/**
 * Record batches: encoding and decoding. Records of 100 bytes with keys of 8, 160 to a batch, without compression;
 * decoding looks at key and value of each and checks the checksum.
 */
import assert from 'node:assert/strict'
import { RecordBatchBuilder } from '../src/protocol/record-batch-builder.ts'
import { RecordReader } from '../src/protocol/record-batch-reader.ts'
import { amount, throughput } from './measure.ts'

const recordsPerBatch = 160
const batches = amount(4000)
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

await throughput('batch encode', 'records/s', () => {
  for (let i = 0; i < batches; i++) encode()
  return batches * recordsPerBatch
})
const batch = encode()
await throughput('batch decode', 'records/s', () => {
  for (let i = 0; i < batches; i++) decode(batch)
  return batches * recordsPerBatch
})
assert(checked > 0, 'nothing was decoded')
