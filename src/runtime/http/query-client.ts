import type { App } from '../../dsl/define-app.ts'
import { MillraceError } from '../../errors.ts'
import { getHttp } from '../../platform/node-http.ts'
import { isQueryable, type QueryableDefinition } from '../../state/store-definition.ts'
import type { Query } from '../queries/query.ts'
import { queryableStore } from '../queries/store-view.ts'
import { readJson, readLines } from './lines.ts'
import { queryUrl, type RemoteOptions } from './query-url.ts'
import {
  errorIn,
  errorOf,
  type PartitionAnswer,
  parseLine,
  parseRowAnswer,
} from './remote-answer.ts'
import { rowDecoder } from './row-json.ts'
import { addressText, parseAddress } from './server-address.ts'

/** A question to an application that runs in other processes. */
export interface RemoteRequest<Result> extends RemoteOptions {
  readonly store: string
  readonly query: Query<Result>
}

/** The answer, and whose it is. */
export interface RemoteResult<Result> {
  readonly value: Result
  /** Where the answer comes from. Of a range: complete when all rows are read. */
  readonly partitions: readonly PartitionAnswer[]
}

export interface QueryClientOptions {
  /** How long an answer may take, beside the time that it is to wait for a position; of a range, all its rows. @defaultValue 10_000 */
  readonly timeoutMs?: number
}

export interface QueryClient {
  /**
   * Asks any instance that can be reached; it passes the question on to the one that has the rows. Rows of a range come as they
   * are read, partition by partition, as many as `limit` says.
   *
   * Throws UNKNOWN_STORE, STORE_NOT_READY while the partition is moved or restored, TOO_STALE, NOT_UP_TO_BOUND, CONNECTION_LOST
   * when no instance can be reached, INVALID_CONFIG for what is no question to such a store.
   */
  query<Result>(request: RemoteRequest<Result>): Promise<RemoteResult<Result>>
}

/**
 * Asks the stores of an application that runs in other processes, with the serdes of its definition: the same queries as in
 * the process, and the same results. `endpoints` are those of some or all instances, `host:port`.
 *
 * @example
 * ```ts
 * import { createLogClient, defineApp, keyQuery, nodePlatform, queryClient } from 'millrace'
 * import { startApplication, string } from 'millrace'
 * import { startBroker } from 'millrace/broker'
 *
 * const text = { key: string(), value: string() }
 * const app = defineApp('latest', builder => {
 *   builder.table('words', { ...text, store: 'latest' })
 * })
 * await using broker = await startBroker()
 * const [platform, bootstrap] = [nodePlatform(), [broker.address]]
 * await using client = createLogClient({ platform, bootstrap, connector: broker.connector() })
 * await client.createTopics([{ name: 'words' }])
 * const options = { client, stateFolder: './state', applicationServer: '127.0.0.1:0' }
 * await using application = await startApplication(app, options)
 * await application.untilEnd()
 *
 * const remote = queryClient(app, [application.endpoint ?? ''])
 * const { value } = await remote.query({ store: 'latest', query: keyQuery<string, string>('a') })
 * value // → undefined
 * ```
 */
export function queryClient(
  app: App,
  endpoints: readonly string[],
  { timeoutMs = 10_000 }: QueryClientOptions = {},
): QueryClient {
  const topology = app.compile()
  const addresses = endpoints.map(endpoint => addressText(parseAddress('An endpoint', endpoint)))
  /** The one that has answered last. */
  let preferred = 0

  async function get(path: string, waitMs: number): Promise<Response> {
    let failure: unknown = new MillraceError(
      'INVALID_CONFIG',
      'queryClient has no endpoint. Give one.',
    )
    for (let tried = 0; tried < addresses.length; tried++) {
      const at = (preferred + tried) % addresses.length
      try {
        const url = new URL(`http://${addresses[at]}${path}`)
        const response = await getHttp(url, { timeoutMs: timeoutMs + waitMs })
        preferred = at
        return response
      } catch (error) {
        failure = error
      }
    }
    throw failure
  }

  function definitionOf(store: string): QueryableDefinition {
    const globals = topology.globalStores.map(({ store: definition }) => definition)
    const global = globals.filter(isQueryable).find(({ name }) => name === store)
    return global ?? queryableStore(store, topology).definition
  }

  async function ask(request: RemoteRequest<unknown>): Promise<RemoteResult<unknown>> {
    const { store, query, ...options } = request
    const definition = definitionOf(store)
    const response = await get(queryUrl(definition, query, options), options.waitMs ?? 0)
    const decode = rowDecoder(definition)
    if (query.kind === 'key' || query.kind === 'versionedKey') {
      if (!response.ok && response.status !== 404) throw await errorIn(response)
      const body = await readJson(response)
      if (response.status === 404 && !isMissingRow(body)) throw errorOf(failureIn(body))
      const { row, ...partition } = parseRowAnswer(body, response.url)
      return { value: row === null ? undefined : decode(row), partitions: [partition] }
    }
    if (!response.ok) throw await errorIn(response)
    const partitions: PartitionAnswer[] = []
    async function* rows(): AsyncIterable<unknown> {
      for await (const each of readLines(response)) {
        const line = parseLine(each, response.url)
        if ('row' in line) yield decode(line.row)
        else if ('error' in line) throw errorOf(line.error)
        else {
          partitions.push(...line.end.partitions)
          return
        }
      }
      throw new MillraceError(
        'CONNECTION_LOST',
        `The answer of ${response.url} was cut off. Ask again.`,
      )
    }
    return { value: rows(), partitions }
  }

  return {
    async query<Result>(request: RemoteRequest<Result>) {
      const answer: unknown = await ask(request)
      // Whoever made the query has said what the result is.
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion
      return answer as RemoteResult<Result>
    },
  }
}

const isMissingRow = (body: unknown): boolean =>
  typeof body === 'object' && body !== null && 'row' in body && body.row === null

function failureIn(body: unknown): { code: string; message: string } {
  const isTold =
    typeof body === 'object' &&
    body !== null &&
    'code' in body &&
    'message' in body &&
    typeof body.code === 'string' &&
    typeof body.message === 'string'
  if (!isTold) return { code: 'PROTOCOL_ERROR', message: 'The answer is none of an instance.' }
  return { code: String(body.code), message: String(body.message) }
}
