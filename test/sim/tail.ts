import type { LogClient } from '../../src/client/log-client.ts'
import { RecordReader } from '../../src/protocol/record-batch-reader.ts'

export interface TailRecord {
  readonly key: string
  readonly value: Buffer
}

/** Reads the committed records of a topic while it grows, as a list of each partition. */
export function tail(
  client: LogClient,
  topic: string,
  partitions: number,
  isOver: () => boolean,
): { readonly list: readonly (readonly TailRecord[])[]; readonly ended: Promise<void> } {
  const list: TailRecord[][] = Array.from({ length: partitions }, () => [])
  const consumer = client.consumer({ isolation: 'readCommitted' })
  consumer.assign(list.map((_, partition) => ({ topic, partition, offset: 0 })))
  const reader = new RecordReader()
  const read = async (): Promise<void> => {
    while (!isOver()) {
      for (const { partition, batches, offset } of await consumer.poll(200)) {
        reader.reset(batches)
        while (reader.next()) {
          if (reader.offset < offset || reader.isControl) continue
          const key = reader.key?.toString() ?? ''
          list[partition]?.push({ key, value: Buffer.from(reader.value ?? '') })
        }
      }
    }
    await consumer.close()
  }
  return { list, ended: read() }
}
