import { readInt64, writeInt64 } from '../protocol/int64.ts'
import type { ProcessorMetadata } from '../topology/processor.ts'

/**
 * What rides in the metadata of committed offsets, so that it survives a restart wherever the task goes on: the partition
 * time, and numbers that processors keep. Kafka Streams' `TopicPartitionMetadata`: base64 of a magic byte 2, the time as
 * int64, then, if there are numbers, their count (int32) and for each the length of its name (int32), the name and the number
 * (int64).
 */
export class TaskOffsetMetadata {
  /** Largest partition time of the inputs; -1 when there is none. */
  readonly partitionTime: number
  readonly #numbers = new Map<string, ProcessorMetadata>()
  /** Null before the first commit and when there are more numbers than before. */
  #layout: Layout | null = null

  /** Begins with what was committed for the inputs: of a number, the largest of what they have. */
  constructor(committed: readonly string[]) {
    this.partitionTime = Math.max(unknown, ...committed.map(decodePartitionTime))
    for (const metadata of committed) {
      for (const [name, value] of decodeNumbers(metadata)) {
        const number = this.number(name)
        number.value = Math.max(number.value, value)
      }
    }
  }

  /** The number of that name, -1 where none was committed. */
  number(name: string): ProcessorMetadata {
    let number = this.#numbers.get(name)
    if (number === undefined) {
      number = { value: unknown }
      this.#numbers.set(name, number)
      this.#layout = null
    }
    return number
  }

  /** The metadata to commit for an input. */
  encode(partitionTime: number): string {
    this.#layout ??= layOut(this.#numbers.keys())
    const { bytes, count } = this.#layout
    writeInt64(bytes, partitionTime, 1)
    let left = count
    let at = headerBytes + 4
    for (const { value } of this.#numbers.values()) {
      if (left-- === 0) break
      at += 4 + bytes.readInt32BE(at)
      writeInt64(bytes, value, at)
      at += 8
    }
    return bytes.toString('base64')
  }
}

/** The bytes to commit, in which only the values are still to be written, and how many there are. */
interface Layout {
  readonly bytes: Buffer
  readonly count: number
}

/** -1 for anything that is not such metadata: other programs may have committed the offset. */
export function decodePartitionTime(metadata: string): number {
  const bytes = Buffer.from(metadata, 'base64')
  // Magic 1 is what Kafka Streams wrote before version 3.5.
  if (bytes.length < headerBytes || (bytes[0] !== magic && bytes[0] !== 1)) return unknown
  return numberAt(bytes, 1)
}

function decodeNumbers(metadata: string): [name: string, value: number][] {
  const bytes = Buffer.from(metadata, 'base64')
  if (bytes.length < headerBytes + 4 || bytes[0] !== magic) return []
  const numbers: [string, number][] = []
  let at = headerBytes + 4
  for (let left = bytes.readInt32BE(headerBytes); left > 0 && at + 4 <= bytes.length; left--) {
    const end = at + 4 + bytes.readInt32BE(at)
    if (end < at + 4 || end + 8 > bytes.length) break
    numbers.push([bytes.toString('utf8', at + 4, end), numberAt(bytes, end)])
    at = end + 8
  }
  return numbers
}

function numberAt(bytes: Buffer, at: number): number {
  const value = readInt64(bytes, at)
  return Number.isSafeInteger(value) && value >= 0 ? value : unknown
}

function layOut(numbers: Iterable<string>): Layout {
  const header = Buffer.alloc(headerBytes)
  header.writeUInt8(magic, 0)
  const entries: Buffer[] = []
  let size = headerBytes + 4
  for (const name of numbers) {
    const nameBytes = Buffer.from(name)
    size += 4 + nameBytes.length + 8
    if (size > maxBytes) break
    entries.push(Buffer.concat([int32(nameBytes.length), nameBytes, Buffer.alloc(8)]))
  }
  const count = entries.length
  const bytes = Buffer.concat(count === 0 ? [header] : [header, int32(count), ...entries])
  return { bytes, count }
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value, 0)
  return bytes
}

const magic = 2
const unknown = -1
/** Magic byte and partition time. */
const headerBytes = 9

/**
 * Brokers take metadata of 4096 bytes (`offset.metadata.max.bytes`), which are 3072 before base64. Numbers beyond that are
 * not kept: better than that nothing can be committed any more.
 */
const maxBytes = 3072
