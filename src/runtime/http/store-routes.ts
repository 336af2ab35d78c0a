import { MillraceError } from '../../errors.ts'
import { getHttp } from '../../platform/node-http.ts'
import { isQueryable, type QueryableDefinition } from '../../state/store-definition.ts'
import type { InstanceQueries } from '../queries/instance-queries.ts'
import type { PartitionResult, QueryFailure } from '../queries/query.ts'
import { queryableStore } from '../queries/store-view.ts'
import { errorBody } from './http-error.ts'
import { linesResponse, readLines } from './lines.ts'
import { type Part, parseQuery, type RemoteQuery } from './query-url.ts'
import { errorIn, errorOf, type PartitionAnswer, parseLine } from './remote-answer.ts'
import { rowEncoder, type RowJson } from './row-json.ts'

/** On a request that comes from another instance: it is answered here or not at all, so none goes in circles. */
const forwardedHeader = 'x-millrace-forwarded'

/** How long another instance may take for the beginning of an answer, beside the time that it waits for a position. */
const forwardTimeoutMs = 5000
/** And for all rows of a partition. */
const rangeTimeoutMs = 60_000

export interface StoreRoutesOptions {
  readonly queries: InstanceQueries
  /** Of this instance, as the others know it. */
  readonly endpoint: string
}

interface Target {
  readonly definition: QueryableDefinition
  /** Null for a global store, of which every instance has all. */
  readonly subtopology: number | null
}

/** A question with all that is needed to answer it for one partition. */
interface Asked extends RemoteQuery {
  readonly target: Target
  readonly url: URL
  readonly isForwarded: boolean
  readonly signal: AbortSignal
  readonly isMany: boolean
}

/** The answer of a partition: of this instance, or of another one, that is passed on as it comes. */
type Answer = { readonly value: unknown; readonly meta: PartitionAnswer } | Response

/**
 * Answers questions to stores over HTTP, on any instance: what is here from here, and else from the instance that has it, by the
 * routing of the group. Where that cannot answer and the question takes old rows, from a copy, here or elsewhere. Rows of
 * several partitions come one partition after the other, in the order of their numbers.
 */
export class StoreRoutes {
  readonly #queries: InstanceQueries
  readonly #endpoint: string

  constructor({ queries, endpoint }: StoreRoutesOptions) {
    this.#queries = queries
    this.#endpoint = endpoint
  }

  /** The stores of the application. */
  stores(): object[] {
    const { topology, metadata } = this.#queries
    const stores = topology.subtopologies.flatMap(({ id, stores }) =>
      stores.filter(isQueryable).map(({ name, kind }) => {
        return { name, kind, partitions: metadata.partitions(id), global: false }
      }),
    )
    const globals = topology.globalStores.map(({ store: { name, kind } }) => {
      return { name, kind, partitions: 1, global: true }
    })
    return [...stores, ...globals]
  }

  /** Throws what is wrong with the question, or why nobody can answer. */
  async answer(
    request: Request,
    { store, part, key }: { store: string; part: Part; key?: string },
  ): Promise<Response> {
    const target = this.#target(store)
    const url = new URL(request.url)
    const asked: Asked = {
      ...parseQuery(target.definition, part, key, url.searchParams),
      target,
      url,
      isForwarded: request.headers.has(forwardedHeader),
      signal: request.signal,
      isMany: part !== 'row',
    }
    const partitions = this.#partitions(asked)
    return asked.isMany ? this.#rows(asked, partitions) : this.#row(asked, partitions)
  }

  #target(store: string): Target {
    const { topology } = this.#queries
    const globals = topology.globalStores.map(({ store: definition }) => definition)
    const definition = globals.filter(isQueryable).find(({ name }) => name === store)
    return definition === undefined
      ? queryableStore(store, topology)
      : { definition, subtopology: null }
  }

  #partitions({ target, partition, query }: Asked): number[] {
    const { definition, subtopology } = target
    if (subtopology === null) return [0]
    const count = this.#queries.metadata.partitions(subtopology)
    if (partition !== undefined && partition !== 'all') {
      if (partition < count) return [partition]
      throw new MillraceError(
        'INVALID_CONFIG',
        `The store ${definition.name} has the partitions 0 to ${count - 1}, and not ${partition}.`,
      )
    }
    const known =
      partition === undefined && 'key' in query
        ? this.#queries.metadata.partitionOf({ definition, subtopology }, query.key)
        : null
    return known === null ? Array.from({ length: count }, (_, each) => each) : [known]
  }

  /** Of the first partition that has one. */
  async #row(asked: Asked, partitions: readonly number[]): Promise<Response> {
    const { definition } = asked.target
    let last: PartitionAnswer | undefined
    for (const [at, partition] of partitions.entries()) {
      const answer = await this.#find(partition, asked)
      if (answer instanceof Response) {
        if (answer.status !== 404 || at === partitions.length - 1) return passOn(answer)
        await answer.body?.cancel()
        continue
      }
      last = answer.meta
      if (typeof answer.value !== 'object' || answer.value === null) continue
      const row = rowEncoder(definition, asked.format)(answer.value)
      return Response.json({ store: definition.name, ...answer.meta, row })
    }
    const error = new MillraceError(
      'KEY_NOT_FOUND',
      `The store ${definition.name} has no row under that key.`,
    )
    const body = { ...errorBody(error), store: definition.name, ...last, row: null }
    return Response.json(body, { status: 404 })
  }

  async #rows(asked: Asked, partitions: readonly number[]): Promise<Response> {
    const [first = 0, ...others] = partitions
    // What fails before the first row has a status of its own.
    const answer = await this.#find(first, asked)
    if (answer instanceof Response && !answer.ok) return passOn(answer)
    return linesResponse(this.#lines(asked, answer, others))
  }

  async *#lines(asked: Asked, first: Answer, others: readonly number[]): AsyncIterable<object> {
    const end = { rows: 0, truncated: false, partitions: new Array<PartitionAnswer>() }
    try {
      let answer: Answer | undefined = first
      const left = [...others]
      while (answer !== undefined) {
        for await (const row of this.#rowsOf(answer, asked, end)) {
          yield { row }
          end.rows++
        }
        const next: number | undefined = left.shift()
        if (next === undefined) break
        if (end.truncated || end.rows >= asked.limit) {
          end.truncated = true
          break
        }
        answer = await this.#find(next, asked, asked.limit - end.rows)
        if (answer instanceof Response && !answer.ok) throw await errorIn(answer)
      }
    } catch (error) {
      // The status is sent: without its end the reader knows that there is more.
      yield { error: errorBody(error) }
      return
    }
    yield { end }
  }

  async *#rowsOf(
    answer: Answer,
    { target, format, limit }: Asked,
    end: { rows: number; truncated: boolean; partitions: PartitionAnswer[] },
  ): AsyncIterable<RowJson> {
    if (answer instanceof Response) {
      for await (const each of readLines(answer)) {
        const line = parseLine(each, answer.url)
        if ('row' in line) yield line.row
        else if ('error' in line) throw errorOf(line.error)
        else {
          end.partitions.push(...line.end.partitions)
          end.truncated ||= line.end.truncated
          return
        }
      }
      throw new MillraceError(
        'CONNECTION_LOST',
        `The answer of ${answer.url} was cut off. Ask again.`,
      )
    }
    end.partitions.push(answer.meta)
    const encode = rowEncoder(target.definition, format)
    if (!isRows(answer.value)) return
    for await (const row of answer.value) {
      if (end.rows >= limit) {
        end.truncated = true
        return
      }
      yield encode(row)
    }
  }

  async #find(partition: number, asked: Asked, limit = asked.limit): Promise<Answer> {
    const { subtopology, definition } = asked.target
    if (subtopology === null) return this.#answerHere(partition, asked)
    const here = this.#queries.hosted(definition.name).get(partition)?.role
    if (here === 'active' || asked.isForwarded) return this.#answerHere(partition, asked)
    const { active, standbys } = this.#queries.metadata.ofPartition(subtopology, partition)
    const ways: (() => Promise<Answer>)[] = [() => this.#forward(active, partition, asked, limit)]
    if (asked.stale) {
      if (here !== undefined) ways.push(() => this.#answerHere(partition, asked))
      for (const each of standbys) ways.push(() => this.#forward(each, partition, asked, limit))
    }
    let failure: unknown
    for (const way of ways) {
      try {
        return await way()
      } catch (error) {
        if (asked.signal.aborted) throw error
        if (!(error instanceof MillraceError) || !errorBody(error).retriable) throw error
        failure ??= error
      }
    }
    throw failure
  }

  async #forward(
    endpoint: string | null,
    partition: number,
    { url, isMany, waitMs = 0, signal }: Asked,
    limit: number,
  ): Promise<Response> {
    if (endpoint === null || endpoint === this.#endpoint) {
      throw new MillraceError(
        'STORE_NOT_READY',
        `Partition ${partition} is being moved or restored, or its instance cannot be asked. Try again.`,
      )
    }
    const there = new URL(`http://${endpoint}${url.pathname}${url.search}`)
    there.searchParams.set('partition', String(partition))
    there.searchParams.set('limit', String(limit))
    const timeoutMs = waitMs + (isMany ? rangeTimeoutMs : forwardTimeoutMs)
    const headers = { [forwardedHeader]: this.#endpoint }
    const response = await getHttp(there, { headers, timeoutMs, signal })
    if (response.status >= 500) throw await errorIn(response)
    return response
  }

  async #answerHere(
    partition: number,
    {
      target,
      query,
      isolation = 'readUncommitted',
      stale = false,
      maxLag,
      positionBound,
      waitMs,
    }: Asked,
  ): Promise<{ value: unknown; meta: PartitionAnswer }> {
    const { name: store } = target.definition
    const { partitions } = await this.#queries.query({
      store,
      query,
      isolation,
      partitions: [partition],
      requireActive: !stale,
      ...(positionBound !== undefined && { positionBound }),
      ...(waitMs !== undefined && { waitMs }),
    })
    const result = partitions.get(partition)
    if (result?.ok !== true) throw failureError(store, partition, result)
    const { role, position, value } = result
    const lag = role === 'active' ? 0 : await this.#lag(store, partition)
    if (maxLag !== undefined && lag > maxLag) {
      throw new MillraceError(
        'TOO_STALE',
        `What ${this.#endpoint} has of partition ${partition} of the store ${store} is ${lag} records behind.`,
      )
    }
    const stalenessMs = lag === 0 ? 0 : null
    const owner = this.#endpoint
    return { value, meta: { partition, owner, role, position, lag, stalenessMs, isolation } }
  }

  async #lag(store: string, partition: number): Promise<number> {
    const lags = await this.#queries.lags()
    return lags.get(store)?.get(partition)?.lag ?? 0
  }
}

const failureCodes = {
  NOT_PRESENT: 'STORE_NOT_READY',
  NOT_ACTIVE: 'STORE_NOT_READY',
  STORE_EXCEPTION: 'STORE_NOT_READY',
  NOT_UP_TO_BOUND: 'NOT_UP_TO_BOUND',
  DOES_NOT_EXIST: 'INVALID_CONFIG',
  UNKNOWN_QUERY_TYPE: 'INVALID_CONFIG',
} as const satisfies Record<QueryFailure, string>

function failureError(
  store: string,
  partition: number,
  result: PartitionResult<unknown> | undefined,
): MillraceError {
  if (result?.ok === false) return new MillraceError(failureCodes[result.failure], result.message)
  return new MillraceError('STORE_NOT_READY', `Partition ${partition} of ${store} did not answer.`)
}

/** The answer of another instance, with what of its headers concerns the reader. */
function passOn(answer: Response): Response {
  const headers = new Headers({ 'cache-control': 'no-store' })
  for (const name of ['content-type', 'retry-after']) {
    const value = answer.headers.get(name)
    if (value !== null) headers.set(name, value)
  }
  return new Response(answer.body, { status: answer.status, headers })
}

const isRows = (value: unknown): value is AsyncIterable<object> =>
  typeof value === 'object' && value !== null && Symbol.asyncIterator in value
