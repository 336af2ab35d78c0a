import net from 'node:net'
import type { Address, Socket, SocketHandlers, Sockets } from './platform.ts'
import { brokenConnection, connectError, listenError } from './socket-error.ts'

/**
 * Without this a host that drops packets keeps the caller waiting for minutes; the value is the default of Kafka's
 * socket.connection.setup.timeout.max.ms.
 */
const connectTimeoutMs = 30_000

/** TCP sockets. Small frames go out at once, and a peer that vanished is noticed by the system's keep-alive. */
export const nodeSockets: Sockets = {
  listen: (address, accept) =>
    new Promise((resolve, reject) => {
      const server = net.createServer({ noDelay: true, keepAlive: true })
      server.on('connection', socket => accept(wrap(socket)))
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
    }),

  connect: address =>
    new Promise((resolve, reject) => {
      const socket = net.connect({
        host: address.host,
        port: address.port,
        noDelay: true,
        keepAlive: true,
      })
      const failed = (error: Error): void => reject(connectError(address, error))
      socket.once('error', failed)
      socket.setTimeout(connectTimeoutMs, () => {
        socket.destroy(Object.assign(new Error('No answer'), { code: 'ETIMEDOUT' }))
      })
      socket.once('connect', () => {
        socket.setTimeout(0)
        socket.removeListener('error', failed)
        resolve(wrap(socket))
      })
    }),
}

function wrap(socket: net.Socket): Socket {
  const remote: Address = { host: socket.remoteAddress ?? '', port: socket.remotePort ?? 0 }
  let failure: Error | undefined
  let handlers: SocketHandlers | undefined
  socket.on('error', error => {
    failure ??= brokenConnection(remote, error)
  })
  socket.on('close', () => handlers?.closed(failure))

  return {
    remote,

    handle(given) {
      handlers = given
      socket.on('data', bytes => given.data(bytes))
      socket.on('drain', () => given.drained?.())
      // Closed before anybody listened: the event is over, so it is told now.
      if (socket.closed) queueMicrotask(() => given.closed(failure))
    },

    write(bytes) {
      // After the end there is nobody to send to, and `closed` tells so.
      if (!socket.writable) return true
      if (bytes instanceof Uint8Array) return socket.write(bytes)
      let hasRoom = true
      // Corked, so that the pieces go to the system in one call.
      socket.cork()
      for (const piece of bytes) hasRoom = socket.write(piece)
      socket.uncork()
      return hasRoom
    },

    get queuedBytes() {
      return socket.writableLength
    },

    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    end: () => void socket.end(),
    destroy: () => void socket.destroy(),
  }
}

function portOf(server: net.Server): number | undefined {
  const address = server.address()
  return typeof address === 'object' ? address?.port : undefined
}
