interface Branch<T> {
  readonly value: T
  red: boolean
  parent: Branch<T> | undefined
  left: Branch<T> | undefined
  right: Branch<T> | undefined
}

/**
 * A set in the order of a comparison, as Java's TreeSet keeps it: a red-black tree that compares a new value with those on its
 * way down, as they are now, and never again. In Java's description what is compared changes meanwhile, so where a value comes
 * to stand depends on the shape of the tree.
 */
export class JavaTreeSet<T> implements Iterable<T> {
  readonly #compare: (one: T, two: T) => number
  #root: Branch<T> | undefined

  constructor(compare: (one: T, two: T) => number) {
    this.#compare = compare
  }

  /** Adds a value that no value on its way equals. */
  add(value: T): void {
    let parent: Branch<T> | undefined
    let side: 'left' | 'right' = 'left'
    for (let at = this.#root; at !== undefined; at = at[side]) {
      const order = this.#compare(value, at.value)
      if (order === 0) return
      parent = at
      side = order < 0 ? 'left' : 'right'
    }
    const added: Branch<T> = { value, red: true, parent, left: undefined, right: undefined }
    if (parent === undefined) this.#root = added
    else parent[side] = added
    this.#balance(added)
  }

  *[Symbol.iterator](): Iterator<T> {
    yield* inOrder(this.#root)
  }

  /** `TreeMap#fixAfterInsertion`. */
  #balance(added: Branch<T>): void {
    let at = added
    for (;;) {
      const { parent } = at
      const grandparent = parent?.parent
      if (parent === undefined || !parent.red || grandparent === undefined) break
      const [near, far] = parent === grandparent.left ? directions : turned
      const uncle = grandparent[far]
      if (uncle?.red === true) {
        parent.red = false
        uncle.red = false
        grandparent.red = true
        at = grandparent
        continue
      }
      if (at === parent[far]) {
        at = parent
        this.#rotate(at, near)
      }
      if (at.parent !== undefined) at.parent.red = false
      grandparent.red = true
      this.#rotate(grandparent, far)
    }
    if (this.#root !== undefined) this.#root.red = false
  }

  /** Lets the child opposite to `side` take the place of a branch, which goes down on that side. */
  #rotate(branch: Branch<T>, side: 'left' | 'right'): void {
    const other = side === 'left' ? 'right' : 'left'
    const risen = branch[other]
    if (risen === undefined) return
    const inner = risen[side]
    branch[other] = inner
    if (inner !== undefined) inner.parent = branch
    risen.parent = branch.parent
    if (branch.parent === undefined) this.#root = risen
    else if (branch.parent.left === branch) branch.parent.left = risen
    else branch.parent.right = risen
    risen[side] = branch
    branch.parent = risen
  }
}

const directions = ['left', 'right'] as const
const turned = ['right', 'left'] as const

function* inOrder<T>(branch: Branch<T> | undefined): Generator<T> {
  if (branch === undefined) return
  yield* inOrder(branch.left)
  yield branch.value
  yield* inOrder(branch.right)
}
