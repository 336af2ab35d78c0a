import type { Logger } from '../logger.ts'
import type { Address, Platform } from '../platform/platform.ts'
import { Sleeper, retrying } from './backoff.ts'
import { BrokerConnections } from './broker-connections.ts'
import { ClusterMetadata } from './cluster-metadata.ts'
import type { Connector } from './connection.ts'

/** What all parts of one client share. */
export interface ClientCore {
  readonly platform: Platform
  readonly logger: Logger
  readonly connector: Connector
  readonly cluster: ClusterMetadata
  /** For requests that the broker answers without waiting for anything. */
  readonly connections: BrokerConnections
  readonly retryTimeoutMs: number
  /** Ends the retries of the client's own calls when it closes. */
  readonly sleeper: Sleeper
  /** Consumers, producers and members that are not closed yet. */
  readonly parts: Set<{ close(): Promise<void> }>
}

export function openCore(options: {
  platform: Platform
  logger: Logger
  connector: Connector
  bootstrap: readonly Address[]
  retryTimeoutMs: number
}): ClientCore {
  const { platform, logger, connector, bootstrap, retryTimeoutMs } = options
  const connections = new BrokerConnections(connector)
  const cluster = new ClusterMetadata(bootstrap, connections)
  const sleeper = new Sleeper(platform.timers)
  return {
    platform,
    logger,
    connector,
    cluster,
    connections,
    retryTimeoutMs,
    sleeper,
    parts: new Set(),
  }
}

/** Retries under the client's policy; see `retrying`. */
export function retryingCall<T>(
  core: ClientCore,
  task: string,
  attempt: () => Promise<T>,
  sleeper = core.sleeper,
): Promise<T> {
  const { clock, random } = core.platform
  const { retryTimeoutMs } = core
  return retrying({ clock, random, sleeper, retryTimeoutMs }, task, attempt)
}
