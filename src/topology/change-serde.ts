import assert from 'node:assert/strict'
import { varintSize, writeVarint } from '../protocol/varint.ts'
import { WireReader } from '../protocol/wire-reader.ts'
import type { Serde } from '../serde/serde.ts'
import type { Change } from './record.ts'

/** The last byte says what stands before it. */
const oldOnly = 0
const newOnly = 1
const both = 2
/** The same three with a byte before the last one that says whether the change is the latest of its key. */
const withLatest = 3

/**
 * Changes of a table on the repartition topic of a grouped table: the bytes of the new or of the old value and a byte
 * that says which; of both, the length of the new one as a varint, the new one, the old one, and the byte. Readers also
 * take the form that has one byte more, which this never writes. `ChangedSerializer`, KIP-904.
 */
export function changeSerde(value: Serde<unknown>): Serde<Change<unknown>> {
  return Object.freeze({
    name: `change of ${value.name}`,
    serialize({ newValue, oldValue }: Change<unknown>): Buffer {
      assert(newValue !== null || oldValue !== null, 'A change without values is never written')
      if (oldValue === null) return withFlag(value.serialize(newValue), newOnly)
      if (newValue === null) return withFlag(value.serialize(oldValue), oldOnly)
      const newBytes = value.serialize(newValue)
      const oldBytes = value.serialize(oldValue)
      const head = varintSize(newBytes.length)
      const bytes = Buffer.allocUnsafe(head + newBytes.length + oldBytes.length + 1)
      writeVarint(bytes, newBytes.length, 0)
      newBytes.copy(bytes, head)
      oldBytes.copy(bytes, head + newBytes.length)
      bytes[bytes.length - 1] = both
      return bytes
    },
    deserialize(bytes: Buffer): Change<unknown> {
      const flag = bytes.at(-1)
      if (flag === undefined || flag >= 2 * withLatest) {
        throw new RangeError(`A change ends with a byte from 0 to 5, not with ${flag ?? 'nothing'}`)
      }
      const data = bytes.subarray(0, flag < withLatest ? -1 : -2)
      const kind = flag % withLatest
      if (kind === oldOnly) return { newValue: null, oldValue: value.deserialize(data) }
      if (kind === newOnly) return { newValue: value.deserialize(data), oldValue: null }
      const reader = new WireReader(data)
      const zigzag = reader.unsignedVarint()
      const size = (zigzag >>> 1) ^ -(zigzag & 1)
      const at = varintSize(size)
      if (size < 0 || at + size > data.length) {
        throw new RangeError(`A change of ${data.length} bytes cannot have a new value of ${size}`)
      }
      return {
        newValue: value.deserialize(data.subarray(at, at + size)),
        oldValue: value.deserialize(data.subarray(at + size)),
      }
    },
  })
}

function withFlag(value: Buffer, flag: number): Buffer {
  const bytes = Buffer.allocUnsafe(value.length + 1)
  value.copy(bytes)
  bytes[value.length] = flag
  return bytes
}
