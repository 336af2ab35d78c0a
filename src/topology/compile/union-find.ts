/** Which names are connected, directly or through others. */
export class UnionFind {
  readonly #parents = new Map<string, string>()

  union(one: string, two: string): void {
    this.#parents.set(this.find(one), this.find(two))
  }

  /** A name that stands for everything that `name` is connected with. */
  find(name: string): string {
    let root = name
    for (;;) {
      const parent = this.#parents.get(root) ?? root
      if (parent === root) break
      root = parent
    }
    if (root !== name) this.#parents.set(name, root)
    return root
  }
}
