/**
 * Keys in the order of their bytes, as latin1 strings, whose code units are the bytes. LevelDB under Node has no iterator
 * that does not wait, so whoever must read a range while a record waits keeps the keys here and gets the rows one by one.
 *
 * The keys lie in leaves of a few hundred, each sorted, in order: a B+tree of two levels, which is enough for ten million.
 */
export class KeyIndex {
  #leaves: Leaf[] = []
  /** Leaves of an earlier epoch, and the list of them, belong to an iteration that may not have ended. */
  #epoch = 0
  #listEpoch = 0
  #size = 0

  get size(): number {
    return this.#size
  }

  /** Undefined when there is no key. */
  get first(): string | undefined {
    return this.#leaves[0]?.keys[0]
  }

  has(key: string): boolean {
    const leaf = this.#leaves[this.#leafOf(key)]
    return leaf !== undefined && leaf.keys[lowerBound(leaf.keys, key)] === key
  }

  /** Returns false when it was there already. */
  add(key: string): boolean {
    if (this.#leaves.length === 0) this.#list().push({ keys: [], epoch: this.#epoch })
    const at = this.#leafOf(key)
    const position = lowerBound(this.#leaves[at]?.keys ?? [], key)
    if (this.#leaves[at]?.keys[position] === key) return false
    const leaf = this.#own(at)
    if (position === leaf.keys.length) leaf.keys.push(key)
    else leaf.keys.splice(position, 0, key)
    this.#size++
    if (leaf.keys.length > maxLeafKeys) this.#split(at, leaf, position)
    return true
  }

  /** Returns false when it was not there. */
  delete(key: string): boolean {
    const at = this.#leafOf(key)
    const before = this.#leaves[at]
    if (before === undefined) return false
    const position = lowerBound(before.keys, key)
    if (before.keys[position] !== key) return false
    const leaf = this.#own(at)
    leaf.keys.splice(position, 1)
    this.#size--
    if (leaf.keys.length < minLeafKeys) this.#merge(at)
    return true
  }

  clear(): void {
    this.#leaves = []
    this.#listEpoch = this.#epoch
    this.#size = 0
  }

  /**
   * The keys from `from`, inclusive, to `to`, exclusive, that are there now, whatever is added or deleted while the
   * iteration goes on. Without a bound from the beginning or to the end.
   */
  range({ from, to, reverse = false }: KeyIndexRange): Iterable<string> {
    const first = this.#position(from)
    const last = to === undefined ? this.#end : this.#position(to)
    if (first.leaf > last.leaf || (first.leaf === last.leaf && first.at >= last.at)) return []
    if (first.leaf < last.leaf) {
      this.#epoch++
      return keysBetween(this.#leaves, first, last, reverse)
    }
    // What operators read with each record is short: a copy costs less than what a snapshot makes the next writes cost.
    const keys = (this.#leaves[first.leaf]?.keys ?? []).slice(first.at, last.at)
    return reverse ? keys.toReversed() : keys
  }

  get #end(): Position {
    const leaf = Math.max(0, this.#leaves.length - 1)
    return { leaf, at: this.#leaves[leaf]?.keys.length ?? 0 }
  }

  #position(key: string | undefined): Position {
    if (key === undefined) return { leaf: 0, at: 0 }
    const leaf = this.#leafOf(key)
    return { leaf, at: lowerBound(this.#leaves[leaf]?.keys ?? [], key) }
  }

  /** The last leaf whose first key is not after `key`, or the first one. */
  #leafOf(key: string): number {
    let low = 0
    let high = this.#leaves.length - 1
    while (low < high) {
      const middle = (low + high + 1) >>> 1
      if ((this.#leaves[middle]?.keys[0] ?? '') <= key) low = middle
      else high = middle - 1
    }
    return low
  }

  #list(): Leaf[] {
    if (this.#listEpoch !== this.#epoch) {
      this.#leaves = [...this.#leaves]
      this.#listEpoch = this.#epoch
    }
    return this.#leaves
  }

  /** The leaf, to be changed. */
  #own(at: number): Leaf {
    const leaf = this.#leaves[at] ?? { keys: [], epoch: this.#epoch }
    if (leaf.epoch === this.#epoch) return leaf
    const copy = { keys: [...leaf.keys], epoch: this.#epoch }
    this.#list()[at] = copy
    return copy
  }

  /** Keys often come in order: then the full leaf stays full. */
  #split(at: number, leaf: Leaf, position: number): void {
    const half = position === leaf.keys.length - 1 ? position : leaf.keys.length >>> 1
    this.#list().splice(at + 1, 0, { keys: leaf.keys.splice(half), epoch: this.#epoch })
  }

  /** Empty leaves go; small ones join the next one while that leaves room to grow. */
  #merge(at: number): void {
    const leaf = this.#leaves[at]
    const next = this.#leaves[at + 1]
    if (leaf?.keys.length === 0) this.#list().splice(at, 1)
    else if (leaf && next && leaf.keys.length + next.keys.length <= maxLeafKeys / 2) {
      leaf.keys.push(...next.keys)
      this.#list().splice(at + 1, 1)
    }
  }
}

export interface KeyIndexRange {
  readonly from?: string | undefined
  readonly to?: string | undefined
  readonly reverse?: boolean | undefined
}

interface Leaf {
  readonly keys: string[]
  readonly epoch: number
}

interface Position {
  readonly leaf: number
  readonly at: number
}

function* keysBetween(
  leaves: readonly Leaf[],
  first: Position,
  last: Position,
  reverse: boolean,
): Iterable<string> {
  const begin = reverse ? last.leaf : first.leaf
  for (let leaf = begin; leaf >= first.leaf && leaf <= last.leaf; leaf += reverse ? -1 : 1) {
    const keys = leaves[leaf]?.keys ?? []
    const from = leaf === first.leaf ? first.at : 0
    const to = leaf === last.leaf ? last.at : keys.length
    if (reverse) for (let at = to - 1; at >= from; at--) yield keys[at] ?? ''
    else for (let at = from; at < to; at++) yield keys[at] ?? ''
  }
}

const maxLeafKeys = 512
const minLeafKeys = 64

/** Index of the first key that is not below `key`. */
function lowerBound(keys: readonly string[], key: string): number {
  let low = 0
  let high = keys.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((keys[middle] ?? '') < key) low = middle + 1
    else high = middle
  }
  return low
}
