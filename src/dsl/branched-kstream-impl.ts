import type { SplitNode } from '../topology/nodes/split.ts'
import type { UserFunction } from '../topology/user-function.ts'
import type { BranchedKStream, Branched } from './branched-kstream.ts'
import type { Scope } from './scope.ts'

interface GivenBranch {
  readonly name: string | undefined
  readonly predicate: UserFunction<[key: unknown, value: unknown], boolean>
}

/** Nothing is added to the graph before the split ends: its node has the predicates of all its branches. */
export class BranchedKStreamImpl<
  K,
  V,
  Branches extends object,
  Numbers extends readonly unknown[],
> implements BranchedKStream<K, V, Branches, Numbers> {
  readonly #scope: Scope
  readonly #split: Omit<SplitNode, 'id' | 'predicates'>
  readonly #branches: readonly GivenBranch[]

  constructor(
    scope: Scope,
    split: Omit<SplitNode, 'id' | 'predicates'>,
    branches: readonly GivenBranch[] = [],
  ) {
    this.#scope = scope
    this.#split = split
    this.#branches = branches
    Object.freeze(this)
  }

  branch<Branches2 extends object, Numbers2 extends readonly unknown[]>(
    predicate: (key: K, value: V) => boolean,
    { name }: Branched<string> = {},
  ): BranchedKStream<K, V, Branches2, Numbers2> {
    return new BranchedKStreamImpl<K, V, Branches2, Numbers2>(this.#scope, this.#split, [
      ...this.#branches,
      { name, predicate },
    ])
  }

  defaultBranch<Branches2 extends object>({ name }: Branched<string> = {}): Branches2 {
    return this.#end([{ name, number: 0 }])
  }

  noDefaultBranch(): Branches {
    return this.#end([])
  }

  #end<B extends object>(last: readonly { name: string | undefined; number: number }[]): B {
    const { graph } = this.#scope
    const predicates = Object.freeze(this.#branches.map(({ predicate }) => predicate))
    const parents = Object.freeze([graph.add({ ...this.#split, predicates })])
    const named = this.#branches.map(({ name }, index) => ({ name, number: index + 1 }))
    const streams = [...named, ...last].map(({ name, number }) => {
      const node = graph.add({ kind: 'branch', name, number, parents })
      return [name ?? String(number), this.#scope.stream(node)] as const
    })
    // The names were collected call by call in the type; here they are collected in the list.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    return Object.freeze(Object.fromEntries(streams)) as B
  }
}
