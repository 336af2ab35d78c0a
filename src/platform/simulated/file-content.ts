import { GrowingBytes } from './growing-bytes.ts'
import type { SeededRandom } from './seeded-random.ts'

/** What a disk writes in one piece. */
const sectorBytes = 512

/**
 * One file twice: as processes see it, and as it is on the device. Between the two stand the changes that no `sync`
 * has covered yet; a power loss keeps any part of them.
 */
export class FileContent {
  readonly #seen: GrowingBytes
  readonly #durable: GrowingBytes
  #unsynced: Change[]
  #changes: number

  constructor(
    seen: GrowingBytes = new GrowingBytes(),
    durable: GrowingBytes = new GrowingBytes(),
    unsynced: Change[] = [],
  ) {
    this.#seen = seen
    this.#durable = durable
    this.#unsynced = unsynced
    this.#changes = unsynced.at(-1)?.number ?? 0
  }

  get size(): number {
    return this.#seen.length
  }

  /** A view of what processes see; it is valid until the next change. */
  get view(): Buffer {
    return this.#seen.view
  }

  write(bytes: Uint8Array, position: number): void {
    if (bytes.byteLength === 0) return
    this.#seen.write(bytes, position)
    this.#unsynced.push({ number: ++this.#changes, bytes: Buffer.from(bytes), position })
  }

  resize(size: number): void {
    this.#seen.resize(size)
    this.#unsynced.push({ number: ++this.#changes, bytes: undefined, position: size })
  }

  /** Names the moment of a call to `sync`: all changes up to now. */
  get latestChange(): number {
    return this.#changes
  }

  /** The device has everything up to that change. */
  synced(upTo: number): void {
    for (const change of this.#takeUnsynced(upTo)) {
      if (change.bytes === undefined) this.#durable.resize(change.position)
      else this.#durable.write(change.bytes, change.position)
    }
  }

  /**
   * The device reported an error on the way. As on Linux, the changes count as written from then on although any part
   * of them may be missing on the device: no later sync writes them again.
   */
  syncFailed(upTo: number, random: SeededRandom): void {
    keepSome(this.#durable, this.#takeUnsynced(upTo), random)
  }

  /** The file that is found after a power loss at this moment. It takes over what this one has on the device. */
  afterPowerLoss(random: SeededRandom): FileContent {
    keepSome(this.#durable, this.#unsynced, random)
    return new FileContent(new GrowingBytes(this.#durable.view), this.#durable)
  }

  copy(): FileContent {
    const [seen, durable] = [this.#seen.view, this.#durable.view]
    return new FileContent(new GrowingBytes(seen), new GrowingBytes(durable), [...this.#unsynced])
  }

  #takeUnsynced(upTo: number): readonly Change[] {
    const covered = this.#unsynced.filter(change => change.number <= upTo)
    this.#unsynced = this.#unsynced.filter(change => change.number > upTo)
    return covered
  }
}

interface Change {
  readonly number: number
  /** What was written; undefined for a change of size. */
  readonly bytes: Buffer | undefined
  /** Where it was written, or the new size. */
  readonly position: number
}

/**
 * Applies what a power loss leaves of the changes. The system writes back when it likes: each sector as it was after
 * any number of the changes, the size likewise. Each file meets another fate, from everything lost to everything kept,
 * so that the extremes are as frequent as the mixtures.
 */
function keepSome(device: GrowingBytes, changes: readonly Change[], random: SeededRandom): void {
  if (changes.length === 0) return
  const keepAll = [0, 0.5, 0.9, 1][random.below(4)] ?? 0
  const reach = (): number =>
    random.chance(keepAll) ? changes.length : random.below(changes.length)
  const sizeReach = keepAll === 0 ? 0 : reach()
  const sectorReach = new Map<number, number>()
  const reachOf = (sector: number): number => {
    if (keepAll === 0) return 0
    const known = sectorReach.get(sector)
    if (known !== undefined) return known
    const drawn = reach()
    sectorReach.set(sector, drawn)
    return drawn
  }

  let size = device.length
  for (const [index, { bytes, position }] of changes.entries()) {
    const sizeKept = index < sizeReach
    if (bytes === undefined) {
      if (sizeKept) device.resize((size = position))
      continue
    }
    const end = position + bytes.length
    if (sizeKept) size = Math.max(size, end)
    let at = position
    while (at < end) {
      const sector = Math.floor(at / sectorBytes)
      const pieceEnd = Math.min(end, (sector + 1) * sectorBytes)
      if (index < reachOf(sector)) {
        device.write(bytes.subarray(at - position, pieceEnd - position), at)
      }
      at = pieceEnd
    }
  }
  device.resize(size)
}
