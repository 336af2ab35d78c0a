import type { AsyncCall } from '../async-call.ts'
import { mapAsync } from '../operators/call-async.ts'
import type { UserFunction } from '../user-function.ts'
import { type AsyncNode, async } from './async.ts'
import { keepsNothing } from './stateless.ts'

type Pair = readonly [unknown, unknown]

/** `KStream.mapAsync`. */
export interface MapAsyncNode extends AsyncNode<'mapAsync'> {
  readonly mapper: UserFunction<
    [key: unknown, value: unknown, call: AsyncCall],
    Pair | PromiseLike<Pair>
  >
}

export const mapAsyncRule = async<MapAsyncNode>({
  prefix: 'KSTREAM-MAP-ASYNC-',
  key: 'changed',
  serdes: keepsNothing,
  supplier: ({ mapper }, options) => mapAsync(mapper, options),
})
