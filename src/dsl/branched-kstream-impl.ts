import type { NodeId } from '../topology/nodes/node.ts'
import type { UserFunction } from '../topology/user-function.ts'
import type { BranchedKStream } from './branched-kstream.ts'
import type { KStream } from './kstream.ts'
import type { Scope } from './scope.ts'

type Predicate<K, V> = (key: K, value: V) => boolean

/** `Branched` of any branch: which type its predicate gave the values is known to its caller alone. */
interface GivenBranch<K, V> {
  readonly name?: string
  readonly chain?: UserFunction<[branch: KStream<K, V>], unknown>
}

/** Each branch is a node of its own, made by the call that adds it, so that its chain comes right after it. */
export class BranchedKStreamImpl<
  K,
  V,
  Branches extends object,
  Numbers extends readonly unknown[],
> implements BranchedKStream<K, V, Branches, Numbers> {
  readonly #scope: Scope
  readonly #split: NodeId
  readonly #size: number
  /** What the branches so far gave, by name. */
  readonly #branches: ReadonlyMap<string, unknown>

  constructor(
    scope: Scope,
    split: NodeId,
    { size, branches }: { size: number; branches: ReadonlyMap<string, unknown> },
  ) {
    this.#scope = scope
    this.#split = split
    this.#size = size
    this.#branches = branches
    Object.freeze(this)
  }

  branch<Branches2 extends object, Numbers2 extends readonly unknown[]>(
    predicate: Predicate<K, V>,
    options: GivenBranch<K, V> = {},
  ): BranchedKStream<K, V, Branches2, Numbers2> {
    const size = this.#size + 1
    const branches = this.#with(size, predicate, options)
    return new BranchedKStreamImpl<K, V, Branches2, Numbers2>(this.#scope, this.#split, {
      size,
      branches,
    })
  }

  defaultBranch<Branches2 extends object>(options: GivenBranch<K, V> = {}): Branches2 {
    return resultOf(this.#with(0, () => true, options))
  }

  noDefaultBranch(): Branches {
    return resultOf(this.#branches)
  }

  #with(
    number: number,
    predicate: Predicate<K, V>,
    { name, chain = stream => stream }: GivenBranch<K, V>,
  ): ReadonlyMap<string, unknown> {
    const parents = Object.freeze([this.#split])
    const node = this.#scope.graph.add({ kind: 'branch', name, number, predicate, parents })
    const stream: KStream<K, V> = this.#scope.stream(node)
    const result = chain(stream)
    if (result === undefined) return this.#branches
    return new Map([...this.#branches, [name ?? String(number), result]])
  }
}

// The names were collected call by call in the type; here they are collected in the map.
const resultOf = <B extends object>(branches: ReadonlyMap<string, unknown>): B =>
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  Object.freeze(Object.fromEntries(branches)) as B
