import { randomBytes, randomFillSync } from 'node:crypto'
import type { Random } from './platform.ts'

/** Random numbers of the operating system, drawn in blocks because each call to it costs about a microsecond. */
export function nodeRandom(): Random {
  const block = new Uint32Array(256)
  let used = block.length
  return {
    uint32() {
      if (used === block.length) {
        randomFillSync(block)
        used = 0
      }
      return block[used++] ?? 0
    },
    bytes: length => randomBytes(length),
  }
}
