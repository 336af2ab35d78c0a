import assert from 'node:assert/strict'
import type { Address, Listener, Socket, Sockets } from '../platform.ts'
import { connectError, listenError } from '../socket-error.ts'
import { Pipe, type Wire } from './pipe.ts'
import { SimulatedSocket } from './simulated-socket.ts'
import { systemError } from './system-error.ts'
import type { Life } from './world.ts'

const noTls = 'the simulated network has no TLS'

interface OpenListener {
  readonly life: Life
  readonly address: Address
  readonly accept: (socket: Socket) => void
}

/**
 * Connects the machines of a simulation. The name of a machine is its host name; 127.0.0.1 and localhost are the
 * machine itself, and 0.0.0.0 listens on both.
 */
export class Network {
  readonly #wire: Wire
  readonly #isMachine: (host: string) => boolean
  #listeners: OpenListener[] = []
  readonly #sockets = new Map<Life, Set<SimulatedSocket>>()
  #lastPort = 32_767

  constructor(wire: Wire, isMachine: (host: string) => boolean) {
    this.#wire = wire
    this.#isMachine = isMachine
  }

  socketsOf(life: Life): Sockets {
    const listen = (address: Address, accept: (socket: Socket) => void): Promise<Listener> =>
      this.#listen(life, address, accept)
    const connect = (address: Address): Promise<Socket> => this.#connect(life, address)
    return {
      listen(address, accept, tls) {
        assert(tls === undefined, noTls)
        return listen(address, accept)
      },
      connect(address, tls) {
        assert(tls === undefined, noTls)
        return connect(address)
      },
    }
  }

  /** The process does not answer any more: its peers learn of it after some time. */
  processEnded(life: Life): void {
    this.#listeners = this.#listeners.filter(listener => listener.life !== life)
    for (const socket of this.#sockets.get(life) ?? []) socket.breakPeer()
    this.#sockets.delete(life)
  }

  /** Breaks every connection of the process; it may connect again. */
  breakConnections(life: Life): void {
    for (const socket of this.#sockets.get(life) ?? []) socket.breakBoth()
  }

  async #listen(
    life: Life,
    { host, port }: Address,
    accept: (socket: Socket) => void,
  ): Promise<Listener> {
    const address = { host, port: port === 0 ? this.#freePort() : port }
    await this.#travel(life)
    if (host !== life.machine && !isLoopback(host) && !isWildcard(host)) {
      throw listenError(address, systemError('EADDRNOTAVAIL'))
    }
    const taken = this.#listeners.some(
      ({ life: { machine }, address: other }) =>
        machine === life.machine &&
        other.port === address.port &&
        (other.host === host || isWildcard(other.host) || isWildcard(host)),
    )
    if (taken) throw listenError(address, systemError('EADDRINUSE'))
    const listener: OpenListener = { life, address, accept }
    this.#listeners.push(listener)
    this.#wire.world.record(life.machine, `listens on ${host}:${address.port}`)
    return {
      address,
      close: () => {
        this.#listeners = this.#listeners.filter(other => other !== listener)
        return Promise.resolve()
      },
    }
  }

  async #connect(life: Life, address: Address): Promise<Socket> {
    await this.#travel(life)
    const listener = this.#listenerFor(life, address)
    if (listener === undefined) {
      await this.#travel(life)
      const known = this.#isMachine(this.#machineOf(life, address.host))
      throw connectError(address, systemError(known ? 'ECONNREFUSED' : 'ENOTFOUND'))
    }
    const toServer = new Pipe(this.#wire, life, listener.life)
    const toClient = new Pipe(this.#wire, listener.life, life)
    const client = this.#open({ life, remote: address, incoming: toClient, outgoing: toServer })
    const server = this.#open({
      life: listener.life,
      remote: {
        host: isLoopback(address.host) ? '127.0.0.1' : life.machine,
        port: this.#freePort(),
      },
      incoming: toServer,
      outgoing: toClient,
    })
    const { world } = this.#wire
    world.record(life.machine, `connects to ${address.host}:${address.port}`)
    world.after(0, listener.life, () => {
      if (this.#listeners.includes(listener)) listener.accept(server)
      else server.destroy()
    })
    await this.#travel(life)
    return client
  }

  #open(end: { life: Life; remote: Address; incoming: Pipe; outgoing: Pipe }): SimulatedSocket {
    const open = this.#sockets.get(end.life) ?? new Set()
    this.#sockets.set(end.life, open)
    const socket = new SimulatedSocket(this.#wire.world, end, closed => open.delete(closed))
    open.add(socket)
    return socket
  }

  #listenerFor(life: Life, { host, port }: Address): OpenListener | undefined {
    const machine = this.#machineOf(life, host)
    const loopback = isLoopback(host)
    return this.#listeners.find(
      ({ life: holder, address }) =>
        holder.machine === machine &&
        address.port === port &&
        (isWildcard(address.host) || isWildcard(host) || isLoopback(address.host) === loopback),
    )
  }

  #machineOf(life: Life, host: string): string {
    return isLoopback(host) || isWildcard(host) ? life.machine : host
  }

  /** Settles when a message of that process has reached its goal; never once the process has ended. */
  #travel(life: Life): Promise<void> {
    const { world, random, delayMs } = this.#wire
    return new Promise(resolve => void world.after(random.within(delayMs), life, resolve))
  }

  #freePort(): number {
    this.#lastPort = this.#lastPort === 65_535 ? 32_768 : this.#lastPort + 1
    const port = this.#lastPort
    return this.#listeners.some(({ address }) => address.port === port) ? this.#freePort() : port
  }
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.')
}

function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '::'
}
