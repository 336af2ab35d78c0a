/**
 * Input that is committed, aborted, and written without transactions by an idempotent producer, as a seed decides. What
 * became of a write that met a fault nobody asks: what counts is what the log has committed.
 */
import { setTimeout } from 'node:timers/promises'
import type { LogClient } from '../../src/client/log-client.ts'
import { type SeededRandom, seededRandom } from '../../src/platform/simulated/seeded-random.ts'
import { partitionForKey } from '../../src/protocol/murmur2.ts'
import { RecordBatchBuilder } from '../../src/protocol/record-batch-builder.ts'
import type { Pace } from './subject.ts'

/** A record of the input, from a number that no other has. */
export interface InputRecord {
  readonly key: string
  readonly value: string
  readonly timestamp: number
}

interface GeneratorOptions extends Pace {
  readonly topic: string
  readonly partitions: number
  readonly next: (number: number, random: SeededRandom) => InputRecord
}

export interface Generated {
  /** Records that were acknowledged in a committed transaction or without one. */
  readonly written: number
  readonly aborted: number
  /** Writes of which nobody knows. */
  readonly unknown: number
}

/** Writes until it is stopped. Whatever it left open ends: the last producer with its id does that. */
export async function generate(client: LogClient, options: GeneratorOptions): Promise<Generated> {
  const { seed, stopping, ready } = options
  const random = seededRandom(seed, 'input')
  let [written, aborted, unknown, number] = [0, 0, 0, 0]
  const transactionalId = 'generator'
  const openBoth = async () =>
    [await client.transactionalProducer({ transactionalId }), await client.producer()] as const
  let producers: Awaited<ReturnType<typeof openBoth>> | undefined
  while (!stopping.aborted) {
    await ready(written)
    const count = 10 + random.below(40)
    const batches = batchesOf(
      options,
      Array.from({ length: count }, () => options.next(number++, random)),
    )
    const kind = random.below(10)
    try {
      producers ??= await openBoth()
      const [transactional, plain] = producers
      if (kind < 3) {
        await plain.send(batches)
        written += count
      } else {
        await transactional.send(batches)
        if (kind < 5) {
          await transactional.abort()
          aborted += count
        } else {
          await transactional.commit()
          written += count
        }
      }
    } catch {
      unknown += count
      for (const producer of producers ?? []) await producer.close()
      producers = undefined
    }
    await setTimeout(10)
  }
  for (const producer of producers ?? []) await producer.close()
  const last = await client.transactionalProducer({ transactionalId })
  await last.close()
  return { written, aborted, unknown }
}

function batchesOf({ topic, partitions }: GeneratorOptions, records: readonly InputRecord[]) {
  const builders = Array.from({ length: partitions }, () => new RecordBatchBuilder())
  for (const { key, value, timestamp } of records) {
    const bytes = Buffer.from(key)
    const partition = partitionForKey(bytes, partitions)
    builders[partition]?.append(bytes, Buffer.from(value), timestamp, [])
  }
  return builders.flatMap((builder, partition) =>
    builder.recordCount === 0 ? [] : [{ topic, partition, batch: builder.build() }],
  )
}
