import type { Address } from '../platform/platform.ts'
import { errorCode } from '../protocol/error-codes.ts'
import { findCoordinator } from '../protocol/messages/10-find-coordinator.ts'
import type { Api } from '../protocol/schema.ts'
import type { BrokerConnections } from './broker-connections.ts'
import type { ClusterMetadata } from './cluster-metadata.ts'
import type { RequestOptions } from './connection.ts'
import { isConnectionFailure, logError, remedyFor } from './errors.ts'

const groupKey = 0

/** The way to the broker that coordinates a group, found when needed and again after it moved. */
export class GroupCoordinator {
  readonly #group: string
  readonly #cluster: ClusterMetadata
  readonly #connections: BrokerConnections
  #address: Address | undefined

  constructor(group: string, cluster: ClusterMetadata, connections: BrokerConnections) {
    this.#group = group
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
    const group = this.#group
    const response = await this.#cluster.askAnyBroker(findCoordinator, {
      key: group,
      keyType: groupKey,
      coordinatorKeys: [group],
    })
    const found = response.coordinators[0] ?? response
    if (found.errorCode !== errorCode.NONE) {
      throw logError(
        found.errorCode,
        `The coordinator of group '${group}' could not be found`,
        found.errorMessage,
      )
    }
    return { host: found.host, port: found.port }
  }
}
