import { BoundedOutput } from './bounded-output.ts'

/**
 * LZ4 frames: a header, blocks of compressed or plain bytes, an end mark. Checksums of the frame are passed over: the
 * batch around it has its own. Format: lz4_Frame_format.md and lz4_Block_format.md of the LZ4 project.
 */
const frameMagic = 0x184d2204
const skippableMagic = 0x184d2a50

const flag = { dictionary: 0x01, contentChecksum: 0x04, contentSize: 0x08, blockChecksum: 0x10 }

/** Throws RangeError when the input is not made of whole LZ4 frames or the output would exceed `maxBytes`. */
export function decompressLz4(input: Buffer, maxBytes: number): Buffer {
  const output = new BoundedOutput(input.length * 4, maxBytes)
  let at = 0
  while (at < input.length) {
    const magic = input.readUInt32LE(at)
    if (magic === frameMagic) at = readFrame(input, at + 4, output)
    else if ((magic & 0xffff_fff0) === skippableMagic) at += 8 + input.readUInt32LE(at + 4)
    else throw new RangeError('it does not start like an LZ4 frame')
  }
  return output.written()
}

function readFrame(input: Buffer, start: number, output: BoundedOutput): number {
  const flags = input.readUInt8(start)
  if (flags >>> 6 !== 1) throw new RangeError('the LZ4 frame has an unknown version')
  if ((flags & flag.dictionary) !== 0) throw new RangeError('the LZ4 frame needs a dictionary')
  // Flags, block size, and the checksum of this header are one byte each.
  let at = start + 3 + ((flags & flag.contentSize) === 0 ? 0 : 8)
  const blockChecksumBytes = (flags & flag.blockChecksum) === 0 ? 0 : 4
  for (;;) {
    const field = input.readUInt32LE(at)
    at += 4
    if (field === 0) break
    const length = field & 0x7fff_ffff
    if (length > input.length - at) throw new RangeError('the input ends within an LZ4 block')
    const isPlain = field >= 0x8000_0000
    if (isPlain) output.literal(input, at, length)
    else readBlock(input, at, at + length, output)
    at += length + blockChecksumBytes
  }
  return at + ((flags & flag.contentChecksum) === 0 ? 0 : 4)
}

function readBlock(input: Buffer, start: number, end: number, output: BoundedOutput): void {
  let at = start
  while (at < end) {
    const token = input.readUInt8(at++)
    let literals = token >>> 4
    if (literals === 15) {
      let more: number
      do {
        more = input.readUInt8(at++)
        literals += more
      } while (more === 255)
    }
    if (literals > end - at) throw new RangeError('an LZ4 block ends within a literal')
    output.literal(input, at, literals)
    at += literals
    // The last sequence of a block has literals only.
    if (at === end) return
    const distance = input.readUInt16LE(at)
    at += 2
    let matched = (token & 0x0f) + 4
    if (matched === 19) {
      let more: number
      do {
        more = input.readUInt8(at++)
        matched += more
      } while (more === 255)
    }
    output.repeat(distance, matched)
  }
  if (at > end) throw new RangeError('an LZ4 block ends within a match')
}
