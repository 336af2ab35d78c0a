import type { AsyncCall } from '../async-call.ts'
import { mapValuesAsync } from '../operators/call-async.ts'
import type { UserFunction } from '../user-function.ts'
import { type AsyncNode, async } from './async.ts'
import { keepsKey } from './stateless.ts'

/** `KStream.mapValuesAsync`. */
export interface MapValuesAsyncNode extends AsyncNode<'mapValuesAsync'> {
  readonly mapper: UserFunction<[value: unknown, key: unknown, call: AsyncCall], unknown>
}

export const mapValuesAsyncRule = async<MapValuesAsyncNode>({
  prefix: 'KSTREAM-MAPVALUES-ASYNC-',
  key: 'kept',
  value: 'changed',
  serdes: keepsKey,
  supplier: ({ mapper }, options) => mapValuesAsync(mapper, options),
})
