import assert from 'node:assert/strict'
import type { Address, Listener, Socket } from '../platform/platform.ts'
import type { Broker } from './broker.ts'
import type { CompleteListenerConfig } from './listener-config.ts'
import { listenerCounters } from './metrics/counters.ts'
import { type ServedConnection, serveConnection } from './server-connection.ts'
import { readTlsFiles, type TlsWatch, watchTlsFiles } from './tls-files.ts'

export interface Server {
  readonly listeners: readonly [OpenListener, ...OpenListener[]]
  /** Stops listening, lets every connection finish the request that is in work, and closes it. */
  close(): Promise<void>
  /** Looks whether TLS files have changed; otherwise it takes up to ten seconds until they are used. */
  reloadTls(): void
}

/** A listener that accepts connections. */
export interface OpenListener {
  readonly name: string
  /** Where it listens. */
  readonly address: Address
  /** Where its clients are told to connect to. */
  readonly advertised: Address
}

/** How long a connection may take to end in order before it is cut. */
const END_MS = 5000

/** Puts a broker on the network. Throws PORT_IN_USE; then it listens nowhere. */
export async function serve(
  broker: Broker,
  configs: readonly CompleteListenerConfig[],
): Promise<Server> {
  const { platform, config, logger } = broker
  const connections = new Set<ServedConnection>()
  const opened: { name: string; listener: Listener; advertised: Address }[] = []
  const watches: TlsWatch[] = []

  try {
    for (const each of configs) opened.push(await open(each))
  } catch (error) {
    await stopListening()
    for (const connection of connections) connection.cut()
    throw error
  }

  async function open(listenerConfig: CompleteListenerConfig): Promise<(typeof opened)[number]> {
    const { name, host, port, advertisedHost, advertisedPort } = listenerConfig
    const tls =
      listenerConfig.tls === undefined
        ? undefined
        : readTlsFiles(platform.files, listenerConfig.tls)
    // The first connection may come before `listen` has returned, but not its first request.
    let advertised: Address = { host, port }
    const listener = await platform.sockets.listen(
      { host, port },
      socket => accept(socket, name, () => advertised),
      tls,
    )
    const replace = listener.replaceTls?.bind(listener)
    if (listenerConfig.tls !== undefined && tls !== undefined && replace !== undefined) {
      const config = listenerConfig.tls
      watches.push(
        watchTlsFiles({ platform, logger, listener: name, config, current: tls, replace }),
      )
    }
    advertised = {
      host: advertisedHost ?? host,
      port: advertisedPort ?? listener.address.port,
    }
    return { name, listener, advertised }
  }

  function accept(socket: Socket, listener: string, advertised: () => Address): void {
    const counters = listenerCounters(broker.counters, listener)
    if (connections.size >= config.maxConnections) {
      counters.refused += 1
      logger.warn(
        { remote: socket.remote, listener, connections: connections.size },
        'A connection is refused because there are as many as maxConnections allows.',
      )
      socket.handle({ data() {}, closed() {} })
      socket.destroy()
      return
    }
    const connection = serveConnection({
      broker,
      socket,
      listener,
      advertised,
      closed: () => {
        counters.closed += 1
        connections.delete(connection)
      },
    })
    counters.accepted += 1
    connections.add(connection)
  }

  async function stopListening(): Promise<void> {
    for (const watch of watches) watch.stop()
    await Promise.all(opened.map(({ listener }) => listener.close()))
  }

  const [first, ...others] = opened.map(({ name, listener, advertised }) => ({
    name,
    address: listener.address,
    advertised,
  }))
  assert(first !== undefined, 'a server has at least one listener')
  return {
    listeners: [first, ...others],
    reloadTls() {
      for (const watch of watches) watch.reload()
    },
    async close() {
      await stopListening()
      const ending = [...connections].map(connection => connection.end())
      const timer = platform.timers.schedule(END_MS, () => {
        for (const connection of connections) connection.cut()
      })
      await Promise.all(ending)
      timer.cancel()
    },
  }
}
