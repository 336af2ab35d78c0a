import { passThrough } from '../operators/pass-through.ts'
import type { NodeRule } from '../compile/rule.ts'
import type { UserFunction } from '../user-function.ts'
import type { NodeBase } from './node.ts'
import { keepsBoth } from './stateless.ts'

/** One branch of a split, called after it: the split's name, then the branch's name or number. */
export interface BranchNode extends NodeBase<'branch'> {
  /** Branches are numbered from 1, whether they have names or not; the default branch is 0. */
  readonly number: number
  /** What records have to be for this branch; the default branch takes all that come to it. */
  readonly predicate: UserFunction<[key: unknown, value: unknown], boolean>
}

export const branchRule: NodeRule<BranchNode> = {
  key: 'kept',
  names({ name, number }, counter) {
    counter.skip()
    return { name: `${counter.parentName(0)}${name ?? number}` }
  },
  serdes: (_, [input = {}]) => keepsBoth(input),
  emit: (_, emission) => emission.processor({ supplier: passThrough }),
}
