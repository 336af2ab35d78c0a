import type net from 'node:net'
import type { Address, Socket, SocketHandlers } from './platform.ts'
import { brokenConnection } from './socket-error.ts'

/** A connected socket of Node, encrypted or not, as a `Socket`. */
export function nodeSocket(socket: net.Socket, peerCertificate?: Buffer): Socket {
  const remote = remoteOf(socket)
  let failure: Error | undefined
  let handlers: SocketHandlers | undefined
  socket.on('error', error => {
    failure ??= brokenConnection(remote, error)
  })
  socket.on('close', () => handlers?.closed(failure))

  return {
    remote,
    peerCertificate,

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

export function remoteOf(socket: net.Socket): Address {
  return { host: socket.remoteAddress ?? '', port: socket.remotePort ?? 0 }
}
