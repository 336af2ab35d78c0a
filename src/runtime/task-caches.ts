import type { CacheBudget, RecordCache } from '../state/record-cache.ts'
import type { TaskState } from '../state/task-state.ts'
import type { HandOn, HeldUpdate } from '../topology/operator-context.ts'
import type { StoreDefinition } from '../topology/topology.ts'
import type { CallScope } from './node-calls.ts'
import type { TaskNode } from './task-node.ts'

/** The updates of tables of one task that wait for the next commit, by store. */
export class TaskCaches {
  readonly #options: TaskCachesOptions
  readonly #caches = new Map<string, RecordCache<HeldUpdate>>()

  constructor(options: TaskCachesOptions) {
    this.#options = options
  }

  isCached(store: string): boolean {
    return this.#options.budget !== undefined && this.#options.state.isCached(store)
  }

  /** The cache of a store, which hands updates on as if the records that caused them were processed now; none without a budget. */
  of(node: TaskNode, store: string, handOn: HandOn): RecordCache<HeldUpdate> | undefined {
    const { budget, state, scope } = this.#options
    if (budget === undefined) return undefined
    // Several nodes may fill one store, all above one node: it is no matter which of them forwards.
    const existing = this.#caches.get(store)
    if (existing !== undefined) return existing
    const cache = state.cacheUpdates<HeldUpdate>(store, budget, (held, before, valueOf) =>
      scope.as(node, null, held.update.timestamp, () => handOn(held, before, valueOf)),
    )
    if (cache !== undefined) this.#caches.set(store, cache)
    return cache
  }

  get areEmpty(): boolean {
    for (const cache of this.#caches.values()) if (!cache.isEmpty) return false
    return true
  }

  /** In the order in which the stores were made; again as long as what is handed on comes to wait in another cache. */
  flush(): void {
    for (let flushed = this.#caches.size > 0; flushed;) {
      flushed = false
      for (const { name } of this.#options.stores) {
        if (this.#caches.get(name)?.flush() === true) flushed = true
      }
    }
  }

  discard(): void {
    for (const cache of this.#caches.values()) cache.discard()
  }
}

interface TaskCachesOptions {
  readonly stores: readonly StoreDefinition[]
  readonly state: TaskState
  /** What they may fill together with those of other tasks. */
  readonly budget: CacheBudget | undefined
  readonly scope: Pick<CallScope, 'as'>
}
