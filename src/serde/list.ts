import { double, float, integer, long, short } from './numbers.ts'
import type { Serde } from './serde.ts'
import { uuid } from './uuid.ts'

/** The first byte says how the entries stand. */
const constantSize = 0
const variableSize = 1
/** Stands for the size of an entry that is null, where entries have sizes. */
const nullEntry = -1

/** Sizes in bytes of those entries that all have the same; Kafka's `ListSerializer` knows these. */
const entrySizes: ReadonlyMap<object, number> = new Map<object, number>([
  [short(), 2],
  [integer(), 4],
  [float(), 4],
  [long(), 8],
  [double(), 8],
  [uuid(), 36],
])

/**
 * A list of entries of one serde, any of which may be null, as Kafka's `ListSerializer` writes it: numbers and UUIDs one
 * behind the other, after the indexes of those that are null; other entries each with its size. Reading what is no such
 * list throws a RangeError.
 *
 * @example
 * ```ts
 * import { list, long, string } from 'millrace'
 *
 * const words = list(string())
 * words.serialize(['a', null]).toString('hex') // → '01000000020000000161ffffffff'
 * words.deserialize(words.serialize(['a', null])) // → ['a', null]
 * list(long()).serialize([5]).toString('hex') // → '0000000000000000010000000000000005'
 * words.deserialize(Buffer.from('01000000ff', 'hex')) // throws RangeError
 * ```
 */
export function list<T>(entries: Serde<T>): Serde<readonly (T | null)[]> {
  const sizeBytes = entrySizes.get(entries)
  return Object.freeze({
    name: `list of ${entries.name}`,
    serialize: (values: readonly (T | null)[]) =>
      sizeBytes === undefined ? writeSized(values, entries) : writeConstant(values, entries),
    deserialize(bytes: Buffer) {
      const reader = new ListReader(bytes)
      const strategy = reader.byte()
      if (strategy === constantSize) return readConstant(reader, entries, sizeBytes)
      if (strategy === variableSize) return readSized(reader, entries)
      throw new RangeError(`A list begins with a byte 0 or 1, not ${strategy}`)
    },
  })
}

function writeConstant<T>(values: readonly (T | null)[], entries: Serde<T>): Buffer {
  const nulls = values.flatMap((value, i) => (value === null ? [int32(i)] : []))
  const content = values.flatMap(value => (value === null ? [] : [entries.serialize(value)]))
  const head = [Buffer.from([constantSize]), int32(nulls.length), ...nulls, int32(values.length)]
  return Buffer.concat([...head, ...content])
}

function writeSized<T>(values: readonly (T | null)[], entries: Serde<T>): Buffer {
  const content = values.flatMap(value => {
    if (value === null) return [int32(nullEntry)]
    const bytes = entries.serialize(value)
    return [int32(bytes.length), bytes]
  })
  return Buffer.concat([Buffer.from([variableSize]), int32(values.length), ...content])
}

function readConstant<T>(
  reader: ListReader,
  entries: Serde<T>,
  sizeBytes: number | undefined,
): (T | null)[] {
  if (sizeBytes === undefined) {
    throw new RangeError(
      `The list has entries of one size, which those of ${entries.name} have not`,
    )
  }
  const nulls = new Set<number>()
  for (let left = reader.count(4); left > 0; left--) nulls.add(reader.int32())
  const values: (T | null)[] = []
  // A size that is not true ends where the bytes do: only entries that are null take none.
  for (let i = 0, size = reader.count(0); i < size; i++) {
    values.push(nulls.has(i) ? null : entries.deserialize(reader.bytes(sizeBytes)))
  }
  reader.end()
  return values
}

function readSized<T>(reader: ListReader, entries: Serde<T>): (T | null)[] {
  const values: (T | null)[] = []
  for (let left = reader.count(4); left > 0; left--) {
    const size = reader.int32()
    values.push(size === nullEntry ? null : entries.deserialize(reader.bytes(size)))
  }
  reader.end()
  return values
}

function int32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4)
  bytes.writeInt32BE(value, 0)
  return bytes
}

/** A position in the bytes of a list; what would pass their end throws a RangeError. */
class ListReader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  byte(): number {
    return this.bytes(1).readUInt8(0)
  }

  int32(): number {
    return this.bytes(4).readInt32BE(0)
  }

  /** A number of things that take at least `sizeBytes` each. */
  count(sizeBytes: number): number {
    const count = this.int32()
    if (count < 0 || count * sizeBytes > this.#bytes.length - this.#at) this.#damaged()
    return count
  }

  bytes(size: number): Buffer {
    const end = this.#at + size
    if (size < 0 || end > this.#bytes.length) this.#damaged()
    const part = this.#bytes.subarray(this.#at, end)
    this.#at = end
    return part
  }

  end(): void {
    if (this.#at !== this.#bytes.length) this.#damaged()
  }

  #damaged(): never {
    throw new RangeError(
      `A list of ${this.#bytes.length} bytes does not have the entries that it says it has`,
    )
  }
}
