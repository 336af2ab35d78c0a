import net from 'node:net'
import { nodeSocket } from './node-socket.ts'
import type { Address, Listener, Socket, Sockets } from './platform.ts'
import { connectError, listenError } from './socket-error.ts'

/**
 * Without this a host that drops packets keeps the caller waiting for minutes; the value is the default of Kafka's
 * socket.connection.setup.timeout.max.ms.
 */
const connectTimeoutMs = 30_000

/**
 * TCP sockets, with TLS over them where it is asked for. Small frames go out at once, and a peer that vanished is
 * noticed by the system's keep-alive.
 */
export const nodeSockets: Sockets = {
  async listen(address, accept, tls) {
    if (tls === undefined) {
      const server = net.createServer({ noDelay: true, keepAlive: true })
      server.on('connection', socket => accept(nodeSocket(socket)))
      return listening(server, address)
    }
    // Loaded when it is needed, because it takes a tenth of a broker's start.
    const { createTlsServer } = await import('./node-tls.ts')
    const { server, replaceTls } = createTlsServer(tls, accept)
    return { ...(await listening(server, address)), replaceTls }
  },

  async connect(address, tls) {
    const { host, port } = address
    if (tls === undefined) {
      const socket = net.connect({ host, port, noDelay: true, keepAlive: true })
      return connected(socket, 'connect', address)
    }
    const { openTlsSocket } = await import('./node-tls.ts')
    return connected(openTlsSocket(address, tls), 'secureConnect', address)
  },
}

function listening(server: net.Server, address: Address): Promise<Listener> {
  return new Promise((resolve, reject) => {
    server.once('error', error => reject(listenError(address, error)))
    server.listen({ host: address.host, port: address.port }, () => {
      server.removeAllListeners('error')
      // What fails from here on is one connection that never came to be; its peer sees that, and the rest goes on.
      server.on('error', () => {})
      resolve({
        address: { host: address.host, port: portOf(server) ?? address.port },
        async close() {
          // The port is free at once; Node's callback would wait for the open connections as well.
          server.close()
        },
      })
    })
  })
}

function connected(
  socket: net.Socket,
  event: 'connect' | 'secureConnect',
  address: Address,
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const failed = (error: Error): void => reject(connectError(address, error))
    socket.once('error', failed)
    socket.setTimeout(connectTimeoutMs, () => {
      socket.destroy(Object.assign(new Error('No answer'), { code: 'ETIMEDOUT' }))
    })
    socket.once(event, () => {
      socket.setTimeout(0)
      socket.removeListener('error', failed)
      resolve(nodeSocket(socket))
    })
  })
}

function portOf(server: net.Server): number | undefined {
  const address = server.address()
  return typeof address === 'object' ? address?.port : undefined
}
