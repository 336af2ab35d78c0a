import { MillraceError } from '../../errors.ts'
import type { ResolvedAsyncOptions } from '../async-call.ts'
import type { AsyncProcessorSupplier } from '../async-processor.ts'
import type { OperatorContext } from '../operator-context.ts'
import type { ProcessorContext, ProcessorSupplier, StoreReference } from '../processor.ts'
import { asyncContext } from './call-async.ts'

/**
 * A user's processor whose work takes time. Its stores can be used only while it is at work: what comes after an `await` runs
 * while the task processes other records, or commits, and a change that slips in there belongs to no offset.
 */
export function asyncProcessor(
  supplier: AsyncProcessorSupplier,
  options: ResolvedAsyncOptions,
): ProcessorSupplier {
  return context => {
    const operator = asyncContext(context)
    let isBeginning = false
    const isAtWork = (): boolean => isBeginning || operator.isAtWork
    const processor = supplier(withGuardedStores(operator, isAtWork))
    const process = operator.asyncCalls(
      {
        call(record, call) {
          isBeginning = true
          try {
            return processor.process(record, call)
          } finally {
            isBeginning = false
          }
        },
        completed: (record, result) => processor.completed(record, result),
      },
      options,
    )
    return { process, close: () => processor.close?.() }
  }
}

function withGuardedStores(context: OperatorContext, isAtWork: () => boolean): ProcessorContext {
  const store = <S>(reference: string | StoreReference<S>): S => {
    const given = context.store<S>(reference)
    if (typeof given !== 'object' || given === null) return given
    return guarded(given, () => {
      if (isAtWork()) return
      const name = typeof reference === 'string' ? reference : reference.name
      throw new MillraceError(
        'PROCESSING_ERROR',
        `Processor ${context.nodeName} used the store ${name} after an await, or outside of its calls. Use stores in completed(), or in process() before the first await.`,
      )
    })
  }
  return new Proxy(context, {
    get: (target, name) => (name === 'store' ? store : memberOf(target, name)),
  })
}

/** The same object, each of whose methods checks first. */
function guarded<S extends object>(store: S, check: () => void): S {
  return new Proxy(store, {
    get(target, name) {
      check()
      return memberOf(target, name)
    },
  })
}

/** Methods with private fields work on their own object alone. */
function memberOf(target: object, name: string | symbol): unknown {
  const member: unknown = Reflect.get(target, name, target)
  return typeof member === 'function' ? member.bind(target) : member
}
