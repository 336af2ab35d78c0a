import assert from 'node:assert/strict'
import type { Address, Listener, Socket, Timer } from '../platform/platform.ts'
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
/** How often connections are asked whether their clients take too long. */
const CHECK_MS = 1000

/** Puts a broker on the network. Throws PORT_IN_USE; then it listens nowhere. */
export async function serve(
  broker: Broker,
  configs: readonly CompleteListenerConfig[],
): Promise<Server> {
  const { platform, config, logger } = broker
  const connections = new Set<ServedConnection>()
  const perHost = new Map<string, number>()
  const opened: { name: string; listener: Listener; advertised: Address }[] = []
  const watches: TlsWatch[] = []
  let timer = scheduleCheck()

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
      socket => accept(socket, listenerConfig, () => advertised),
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

  function accept(
    socket: Socket,
    { name: listener, sasl: mechanisms }: CompleteListenerConfig,
    advertised: () => Address,
  ): void {
    const counters = listenerCounters(broker.counters, listener)
    const { host } = socket.remote
    const fromHost = perHost.get(host) ?? 0
    if (connections.size >= config.maxConnections) {
      counters.refused += 1
      return refuse(socket, listener, 'maxConnections')
    }
    if (fromHost >= config.maxConnectionsPerIp) {
      counters.refusedPerIp += 1
      return refuse(socket, listener, 'maxConnectionsPerIp')
    }
    perHost.set(host, fromHost + 1)
    const connection = serveConnection({
      broker,
      socket,
      listener,
      counters,
      advertised,
      mechanisms,
      closed() {
        connections.delete(connection)
        counters.closed += 1
        const left = (perHost.get(host) ?? 1) - 1
        if (left === 0) perHost.delete(host)
        else perHost.set(host, left)
      },
    })
    counters.accepted += 1
    connections.add(connection)
  }

  function refuse(socket: Socket, listener: string, setting: string): void {
    logger.warn(
      { remote: socket.remote, listener, connections: connections.size },
      `A connection is refused because there are as many as ${setting} allows.`,
    )
    socket.handle({ data() {}, closed() {} })
    socket.destroy()
  }

  function scheduleCheck(): Timer {
    return platform.timers.schedule(CHECK_MS, () => {
      const nowMs = platform.clock.monotonic()
      for (const connection of connections) connection.checkTime(nowMs)
      timer = scheduleCheck()
    })
  }

  async function stopListening(): Promise<void> {
    timer.cancel()
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
      const cut = platform.timers.schedule(END_MS, () => {
        for (const connection of connections) connection.cut()
      })
      await Promise.all(ending)
      cut.cancel()
    },
  }
}
