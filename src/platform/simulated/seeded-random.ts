import type { Random } from '../platform.ts'

/** A random stream that gives the same numbers for the same seed and name, on every machine. */
export interface SeededRandom extends Random {
  /** A uniform integer in [0, bound). */
  below(bound: number): number
  /** A uniform number in the range. */
  within(range: Range): number
  /** True with this probability. */
  chance(probability: number): boolean
}

export interface Range {
  readonly min: number
  readonly max: number
}

/**
 * One stream of a seed: sfc32 (Chris Doty-Humphrey's small fast counting generator), started from a hash of seed and
 * name. Every user of randomness has a stream of its own, so that a draw more in one place does not change all others.
 */
export function seededRandom(seed: number, name: string): SeededRandom {
  let [a, b, c, counter] = startState(`${seed} ${name}`)

  const uint32 = (): number => {
    const sum = (a + b + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (c << 21) | (c >>> 11)
    c = (c + sum) | 0
    return sum >>> 0
  }
  // The first numbers still show the seed.
  for (let i = 0; i < 15; i++) uint32()

  const unit = (): number => uint32() / 2 ** 32
  return {
    uint32,
    bytes(length) {
      const bytes = Buffer.allocUnsafe(length)
      for (let i = 0; i < length; i++) bytes[i] = uint32() >>> 24
      return bytes
    },
    below: bound => Math.floor(unit() * bound),
    within: ({ min, max }) => min + unit() * (max - min),
    chance: probability => unit() < probability,
  }
}

/** Four numbers in which every character counts: four FNV-1a hashes from different starts, each mixed at the end. */
function startState(text: string): [number, number, number, number] {
  const hash = (start: number): number => {
    let h = start
    for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193)
    h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
    return h ^ (h >>> 16)
  }
  return [hash(0x811c9dc5), hash(0x2545f491), hash(0x9e3779b9), hash(0x6a09e667)]
}
