import * as recordBatch from '../../src/protocol/record-batch.ts'
import { RecordBatchBuilder } from '../../src/protocol/record-batch-builder.ts'
import { type SeededRandom, seededRandom } from '../../src/platform/simulated/seeded-random.ts'

const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const

/** Batches of every kind, sound ones and, with a right checksum, such as no honest producer sends. */
export function hostileBatches(seed: number): Buffer[] {
  const random = seededRandom(seed, 'batches')
  const sound = codecs.flatMap(codec => [0, 1, 2].map(kind => soundBatch(codec, kind, random)))
  const lying = Array.from({ length: 150 }, () => lyingBatch(pick(random, sound), random))
  return [...sound, ...lying, Buffer.alloc(0), Buffer.concat(sound.slice(0, 2))]
}

/** Changes the header behind the checksum, or the records, and makes the checksum right again. */
export function lyingBatch(original: Buffer, random: SeededRandom): Buffer {
  const batch = Buffer.from(original)
  if (batch.length <= recordBatch.headerBytes) return batch
  const inHeader = random.chance(0.6)
  const [from, to] = inHeader
    ? [recordBatch.headerBytes - 40, recordBatch.headerBytes]
    : [recordBatch.headerBytes, batch.length]
  for (let changes = 1 + random.below(3); changes > 0; changes--) {
    const at = from + random.below(to - from)
    batch[at] = pick(random, [0, 1, 2, 0x7f, 0x80, 0xff, (batch[at] ?? 0) ^ (1 << random.below(8))])
  }
  if (recordBatch.sizeInBytes(batch) === batch.length) recordBatch.stampCrc(batch)
  return batch
}

/** `kind`: 0 without a producer, 1 idempotent, 2 transactional. */
function soundBatch(codec: (typeof codecs)[number], kind: number, random: SeededRandom): Buffer {
  const builder = new RecordBatchBuilder()
  for (let n = 1 + random.below(4); n > 0; n--) {
    const key = random.chance(0.7) ? Buffer.from(`key-${random.below(5)}`) : null
    const value = random.chance(0.8) ? Buffer.from('value '.repeat(1 + random.below(20))) : null
    builder.append(key, value, 1_704_067_200_000 + random.below(1_000), [
      { key: 'header', value: Buffer.from([n]) },
    ])
  }
  const batch = Buffer.from(builder.build({ codec }))
  if (kind === 0) return batch
  recordBatch.stampProducer(batch, {
    producerId: BigInt(random.below(4)),
    producerEpoch: random.below(2),
    baseSequence: random.below(3),
    isTransactional: kind === 2,
  })
  return batch
}

export function pick<Value>(random: SeededRandom, values: readonly Value[]): Value {
  const value = values[random.below(values.length)]
  if (value === undefined) throw new Error('There is nothing to pick from')
  return value
}
