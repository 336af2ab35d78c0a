import type { Address } from '../platform/platform.ts'
import { errorCode } from '../protocol/error-codes.ts'
import { findCoordinator } from '../protocol/messages/10-find-coordinator.ts'
import type { Api } from '../protocol/schema.ts'
import type { BrokerConnections } from './broker-connections.ts'
import type { ClusterMetadata } from './cluster-metadata.ts'
import type { RequestOptions } from './connection.ts'
import { isConnectionFailure, logError, remedyFor } from './errors.ts'

/** Kafka's numbers for what a coordinator is asked for by. */
const keyTypes = { group: 0, 'transactional id': 1 } as const

/** The way to the broker that coordinates a group or a transactional id, found when needed and again after it moved. */
export class Coordinator {
  readonly #kind: keyof typeof keyTypes
  readonly #key: string
  readonly #cluster: ClusterMetadata
  readonly #connections: BrokerConnections
  #address: Address | undefined

  constructor(
    kind: keyof typeof keyTypes,
    key: string,
    cluster: ClusterMetadata,
    connections: BrokerConnections,
  ) {
    this.#kind = kind
    this.#key = key
    this.#cluster = cluster
    this.#connections = connections
  }

  async request<Request, Response>(
    api: Api<Request, Response>,
    body: Request,
    options?: RequestOptions,
  ): Promise<Response> {
    this.#address ??= await this.#find()
    try {
      return await this.#connections.request(this.#address, api, body, options)
    } catch (error) {
      if (isConnectionFailure(error)) this.#address = undefined
      throw error
    }
  }

  /** Call with every error code that the coordinator answers: it may say that the coordinator has moved. */
  heed(code: number): void {
    if (remedyFor(code) === 'findCoordinator') this.#address = undefined
  }

  async #find(): Promise<Address> {
    const key = this.#key
    const response = await this.#cluster.askAnyBroker(findCoordinator, {
      key,
      keyType: keyTypes[this.#kind],
      coordinatorKeys: [key],
    })
    const found = response.coordinators[0] ?? response
    if (found.errorCode !== errorCode.NONE) {
      throw logError(
        found.errorCode,
        `The coordinator of ${this.#kind} '${key}' could not be found`,
        found.errorMessage,
      )
    }
    return { host: found.host, port: found.port }
  }
}
