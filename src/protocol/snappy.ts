import { snappyCompress } from '@platformatic/wasm-utils'
import { BoundedOutput } from './bounded-output.ts'

/**
 * Snappy in both forms that Kafka clients send: bare blocks (librdkafka) and blocks in the framing of xerial's Java
 * library. Written in the framing, which all of them read. Format: format_description.txt of the snappy project;
 * SnappyOutputStream of xerial/snappy-java: magic, two i32 versions, then blocks led by their i32 length.
 */
const xerialMagic = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00])
const xerialHeaderBytes = 16
/** Decompressed bytes per block, as the Java library has it. */
const blockBytes = 32 * 1024

export function compressSnappy(bytes: Buffer): Buffer {
  const header = Buffer.alloc(xerialHeaderBytes)
  xerialMagic.copy(header)
  header.writeInt32BE(1, 8)
  header.writeInt32BE(1, 12)
  const parts: Buffer[] = [header]
  for (let at = 0; at < bytes.length; at += blockBytes) {
    const block = snappyCompress(bytes.subarray(at, at + blockBytes))
    const length = Buffer.alloc(4)
    length.writeInt32BE(block.length)
    parts.push(length, block)
  }
  return Buffer.concat(parts)
}

/** Throws RangeError when the input is malformed or the output would exceed `maxBytes`. */
export function decompressSnappy(input: Buffer, maxBytes: number): Buffer {
  const output = new BoundedOutput(input.length * 4, maxBytes)
  if (!input.subarray(0, xerialMagic.length).equals(xerialMagic)) {
    readBlock(input, 0, input.length, output)
    return output.written()
  }
  for (let at = xerialHeaderBytes; at < input.length;) {
    const length = input.readInt32BE(at)
    at += 4
    if (length < 0 || length > input.length - at) {
      throw new RangeError('the input ends within a snappy block')
    }
    readBlock(input, at, at + length, output)
    at += length
  }
  return output.written()
}

function readBlock(input: Buffer, start: number, end: number, output: BoundedOutput): void {
  const before = output.written().length
  let at = start
  let expected = 0
  for (let shift = 0; ; shift += 7) {
    if (shift > 28) throw new RangeError('the length of a snappy block is malformed')
    const byte = input.readUInt8(at++)
    expected += (byte & 0x7f) * 2 ** shift
    if (byte < 0x80) break
  }
  while (at < end) {
    const tag = input.readUInt8(at++)
    const kind = tag & 3
    if (kind === 0) {
      let length = tag >>> 2
      if (length >= 60) {
        const lengthBytes = length - 59
        length = input.readUIntLE(at, lengthBytes)
        at += lengthBytes
      }
      length += 1
      if (length > end - at) throw new RangeError('a snappy block ends within a literal')
      output.literal(input, at, length)
      at += length
    } else if (kind === 1) {
      output.repeat(((tag & 0xe0) << 3) | input.readUInt8(at), ((tag >>> 2) & 7) + 4)
      at += 1
    } else if (kind === 2) {
      output.repeat(input.readUInt16LE(at), (tag >>> 2) + 1)
      at += 2
    } else {
      output.repeat(input.readUInt32LE(at), (tag >>> 2) + 1)
      at += 4
    }
  }
  if (at > end) throw new RangeError('a snappy block ends within a copy')
  if (output.written().length - before !== expected) {
    throw new RangeError('a snappy block has another length than it claims')
  }
}
