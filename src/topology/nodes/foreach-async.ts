import type { AsyncCall } from '../async-call.ts'
import { foreachAsync } from '../operators/call-async.ts'
import type { UserFunction } from '../user-function.ts'
import { type AsyncNode, async } from './async.ts'
import { keepsNothing } from './stateless.ts'

/** `KStream.foreachAsync`: nothing comes after it. */
export interface ForeachAsyncNode extends AsyncNode<'foreachAsync'> {
  readonly action: UserFunction<[key: unknown, value: unknown, call: AsyncCall], unknown>
}

export const foreachAsyncRule = async<ForeachAsyncNode>({
  prefix: 'KSTREAM-FOREACH-ASYNC-',
  key: 'kept',
  serdes: keepsNothing,
  supplier: ({ action }, options) => foreachAsync(action, options),
})
