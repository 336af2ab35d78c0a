import { MillraceError } from '../../errors.ts'
import type { AsyncCall, AsyncWork, ResolvedAsyncOptions } from '../async-call.ts'
import { isOperatorContext, type OperatorContext } from '../operator-context.ts'
import type { ProcessorContext, ProcessorSupplier } from '../processor.ts'
import { withValue } from '../record.ts'
import type { UserFunction } from '../user-function.ts'

/** Has the task do what takes time, and goes on with the results. */
export function callAsync<R>(
  workOf: (context: OperatorContext) => AsyncWork<R>,
  options: ResolvedAsyncOptions,
): ProcessorSupplier {
  return context => {
    const operator = asyncContext(context)
    return { process: operator.asyncCalls(workOf(operator), options) }
  }
}

/** Forwards each record with the key and value that the mapper comes to. */
export function mapAsync(
  mapper: UserFunction<[key: unknown, value: unknown, call: AsyncCall], Pair | PromiseLike<Pair>>,
  options: ResolvedAsyncOptions,
): ProcessorSupplier {
  const workOf = (context: ProcessorContext): AsyncWork<Pair> => ({
    call: ({ key, value }, call) => mapper(key, value, call),
    completed: ({ timestamp, headers }, [key, value]) =>
      context.forward({ key, value, timestamp, headers }),
  })
  return callAsync(workOf, options)
}

type Pair = readonly [unknown, unknown]

/** Forwards each record with the value that the mapper comes to. */
export function mapValuesAsync(
  mapper: UserFunction<[value: unknown, key: unknown, call: AsyncCall], unknown>,
  options: ResolvedAsyncOptions,
): ProcessorSupplier {
  const workOf = (context: ProcessorContext): AsyncWork => ({
    call: ({ key, value }, call) => mapper(value, key, call),
    completed: (record, value) => context.forward(withValue(record, value)),
  })
  return callAsync(workOf, options)
}

/** Does something with each record. */
export function foreachAsync(
  action: UserFunction<[key: unknown, value: unknown, call: AsyncCall], unknown>,
  options: ResolvedAsyncOptions,
): ProcessorSupplier {
  const work: AsyncWork = {
    call: ({ key, value }, call) => action(key, value, call),
    completed() {},
  }
  return callAsync(() => work, options)
}

/** The context as the task gave it. A processor wrapper may have put another in its place, which knows no calls. */
export function asyncContext(context: ProcessorContext): OperatorContext {
  if (isOperatorContext(context)) return context
  throw new MillraceError(
    'INVALID_TOPOLOGY',
    `${context.nodeName} does work that takes time, and its processor wrapper gave it a context of its own. Give it the context that the wrapper was given.`,
  )
}
