import { MillraceError } from '../../errors.ts'
import { storeReader } from '../../state/readers/store-reader.ts'
import type { Isolation } from '../../state/row-reader.ts'
import type { QueryableStore } from '../../state/stores.ts'
import type { HostedTask } from './hosted-tasks.ts'
import { isReached, type Position, positionOf } from './position.ts'
import type { PartitionResult, QueryFailure, QueryNode, QueryRequest } from './query.ts'
import { isKeyValueStore, isSessionStore, isVersionedStore, isWindowStore } from './store-view.ts'

/** The answer of one partition to a query, from the task that has it. Failures are data; nothing is thrown. */
export function answerQuery(
  partition: number,
  task: HostedTask | undefined,
  request: QueryRequest<unknown>,
): PartitionResult<unknown> {
  const failed = (failure: QueryFailure, message: string): PartitionResult<unknown> => ({
    ok: false,
    partition,
    failure,
    message: `Partition ${partition} of the store ${request.store} ${message}`,
  })
  if (task === undefined) return failed('NOT_PRESENT', 'is not on this instance.')
  const { role, state } = task
  if (request.requireActive === true && role !== 'active') {
    return failed('NOT_ACTIVE', `is ${role} on this instance.`)
  }
  const { store: name, query, isolation, positionBound } = request
  const position = reachedPosition(task, isolation)
  if (positionBound !== undefined && !isReached(positionBound, position, partition)) {
    return failed('NOT_UP_TO_BOUND', `has come to ${JSON.stringify(position)}, not to the bound.`)
  }
  try {
    const store = storeReader(state, name, isolation)
    if (store === undefined) return failed('DOES_NOT_EXIST', 'does not exist.')
    const answer = ask(store, query)
    if (answer === null)
      return failed('UNKNOWN_QUERY_TYPE', `does not answer ${query.kind} queries.`)
    return { ok: true, partition, value: answer.value, role, position }
  } catch (error) {
    // A key that the serde refuses is a mistake of the caller.
    if (error instanceof MillraceError && error.code === 'SERDE_ERROR') throw error
    const reason = error instanceof Error ? error.message : String(error)
    return failed('STORE_EXCEPTION', `could not be read: ${reason}`)
  }
}

/** How far a task has come, as far as a query sees it. */
export function reachedPosition(task: HostedTask, isolation: Isolation | undefined): Position {
  return positionOf(isolation === 'readCommitted' ? task.state.position : task.position)
}

/** Null when the store has no answer to such a question. */
export function ask(store: QueryableStore, query: QueryNode): { value: unknown } | null {
  switch (query.kind) {
    case 'key':
      if (isKeyValueStore(store) || isVersionedStore(store)) return { value: store.get(query.key) }
      return null
    case 'range': {
      if (isKeyValueStore(store)) return { value: store.range(query.range) }
      const { from, to, prefix, reverse = false } = query.range
      const isAll = from === undefined && to === undefined && prefix === undefined && !reverse
      return isVersionedStore(store) && isAll ? { value: store.all() } : null
    }
    case 'windowKey':
      return isWindowStore(store) ? { value: store.fetchRange(query.key, query.range) } : null
    case 'windowRange':
      return isWindowStore(store) ? { value: store.fetchAll(query.range) } : null
    case 'session':
      return isSessionStore(store) ? { value: store.findSessions(query.key, query.range) } : null
    case 'sessionRange':
      return isSessionStore(store) ? { value: store.fetchAll(query.range) } : null
    case 'versionedKey':
      return isVersionedStore(store) ? { value: store.get(query.key, query.asOf) } : null
    case 'multiVersionedKey':
      return isVersionedStore(store) ? { value: store.versions(query.key, query.range) } : null
    default:
      return query satisfies never
  }
}
