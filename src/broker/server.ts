import type { Address, Listener, Socket } from '../platform/platform.ts'
import type { Broker } from './broker.ts'
import { type ServedConnection, serveConnection } from './server-connection.ts'

export interface Server {
  /** Where it listens. */
  readonly address: Address
  /** Stops listening, lets every connection finish the request that is in work, and closes it. */
  close(): Promise<void>
}

export interface ServeOptions {
  /** Where to listen; port 0 takes a free one. */
  readonly address: Address
  /** Host that clients are told to connect to. @defaultValue that of `address` */
  readonly advertisedHost?: string
}

/** How long a connection may take to end in order before it is cut. */
const END_MS = 5000

/** Puts a broker on the network. Throws PORT_IN_USE. */
export async function serve(broker: Broker, options: ServeOptions): Promise<Server> {
  const { platform, config, logger } = broker
  const connections = new Set<ServedConnection>()
  const listener: Listener = await platform.sockets.listen(options.address, accept)
  const advertised: Address = {
    host: options.advertisedHost ?? options.address.host,
    port: listener.address.port,
  }

  function accept(socket: Socket): void {
    if (connections.size >= config.maxConnections) {
      logger.warn(
        { remote: socket.remote, connections: connections.size },
        'A connection is refused because there are as many as maxConnections allows.',
      )
      socket.handle({ data() {}, closed() {} })
      socket.destroy()
      return
    }
    const connection = serveConnection({
      broker,
      socket,
      // The first connection may come before `listen` has returned.
      advertised: () => advertised,
      closed: () => connections.delete(connection),
    })
    connections.add(connection)
  }

  return {
    address: listener.address,
    async close() {
      await listener.close()
      const ending = [...connections].map(connection => connection.end())
      const timer = platform.timers.schedule(END_MS, () => {
        for (const connection of connections) connection.cut()
      })
      await Promise.all(ending)
      timer.cancel()
    },
  }
}
