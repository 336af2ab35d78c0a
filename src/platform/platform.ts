/**
 * The edge of the world. Nothing outside this folder reads a clock, sets a timer, draws a random number, opens a file
 * or a socket: it is given a `Platform`. `nodePlatform()` is the real one; `simulate()` is a seeded, virtual one in
 * which the broker, the client, the runtime and a user's topology run deterministically, crashes included.
 */
export interface Platform {
  readonly clock: Clock
  readonly timers: Timers
  readonly random: Random
  readonly files: Files
  readonly sockets: Sockets
}

export interface Clock {
  /** Wall-clock time in milliseconds since the Unix epoch. May step backwards. */
  now(): number
  /** Milliseconds since an arbitrary start, fractional; never steps backwards. */
  monotonic(): number
  /** Names the boot of the machine that this clock counts from: equal strings, same boot. Empty when unknown. */
  readonly bootId: string
}

export interface Timers {
  /** Calls `callback` once, not before `delayMs` have passed. */
  schedule(delayMs: number, callback: () => void): Timer
  /** Resolves once the event loop has served what is waiting: timers, sockets, files. */
  yield(): Promise<void>
}

export interface Timer {
  /** Prevents the callback if it has not run; harmless otherwise. */
  cancel(): void
}

export interface Random {
  /** A uniform integer in [0, 2^32). */
  uint32(): number
  /** `length` random bytes. */
  bytes(length: number): Buffer
}

/**
 * Files. Calls that touch only the page cache are synchronous, because the thread hop costs more than they do; what
 * waits for the device (`sync`, `syncFolder`) is asynchronous. All failures are thrown as `MillraceError` FILE_ERROR
 * with the path in the message and the system's error (`code` ENOSPC, EIO, …) as `cause`.
 */
export interface Files {
  /**
   * Opens for reading and writing at any position; `create` makes the file when it is absent. A file that was made
   * survives a power loss once its content is synced and its folder, and every new folder above, is synced too. With
   * `isPrivate` nobody but its owner may read a file that is made.
   */
  open(path: string, options?: { create?: boolean; isPrivate?: boolean }): OpenFile
  /** The whole file, or undefined when there is none. */
  read(path: string): Buffer | undefined
  /**
   * Replaces the file as a whole: temporary file (`<path>.tmp`), sync, rename, sync of the folder. After a crash the old
   * or the new content is there, never a mixture; the temporary file may be there too. Calls for one path take effect
   * in their order. The content must not change until the promise settles. `isPrivate` as for `open`.
   */
  replace(path: string, content: Buffer, options?: { isPrivate?: boolean }): Promise<void>
  /** Names of the files and folders in it, sorted by code unit; empty when there is no such folder. */
  list(folder: string): string[]
  /** Size in bytes, or undefined when there is no such file. */
  size(path: string): number | undefined
  /** The space on the volume that the folder is on. */
  volume(folder: string): Volume
  /** Creates the folder and its parents. Each is durable once the folder in which it stands is synced. */
  makeFolder(folder: string): void
  /** Moves a file, over another one if there is one, or a folder to a name that is free. */
  rename(from: string, to: string): void
  /** Removes a file or a folder with all it holds; absent is fine. */
  remove(path: string): void
  /** Makes creations, renames and removals in the folder durable. */
  syncFolder(folder: string): Promise<void>
  /**
   * Takes the folder for one holder. Throws FOLDER_LOCKED, naming the holder's process id, while a living process, this
   * one included, holds it; a lock left by a dead process is taken over. The lock is a file in the folder, named
   * `.millrace.lock`.
   */
  lock(folder: string): FolderLock
}

export interface Volume {
  readonly totalBytes: number
  /** What this process may still write. */
  readonly usableBytes: number
}

export interface OpenFile {
  readonly path: string
  size(): number
  /** Writes all of `bytes` at `position`; they may be used again at once. When it fails, a part may be written. */
  write(bytes: Uint8Array, position: number): void
  /** Writes the chunks one after another from `position`. */
  writev(chunks: readonly Uint8Array[], position: number): void
  /** Reads up to `length` bytes from `position` into `target` at `offset`; returns how many there were. */
  read(target: Uint8Array, offset: number, length: number, position: number): number
  /** Cuts the file off, or appends zeros. */
  truncate(size: number): void
  /**
   * Resolves when everything written before the call is durable (fdatasync). When it fails, nobody knows what is, and a
   * later sync does not make up for it: the file must be read again, or written anew.
   */
  sync(): Promise<void>
  /** Every later call but this one throws CLOSED; a sync on its way still ends. */
  close(): void
}

export interface FolderLock {
  release(): void
}

export interface Sockets {
  /**
   * Throws PORT_IN_USE when the port is taken, INVALID_CONFIG when the address cannot work here. Port 0 takes a free one,
   * which `Listener.address` names. With `tls` only encrypted connections are served; a connection is accepted when it
   * is there, and speaks once its handshake is over.
   */
  listen(address: Address, accept: (socket: Socket) => void, tls?: ServerTls): Promise<Listener>
  /** Throws CONNECTION_LOST when nobody answers or, with `tls`, when the peer cannot prove to be who it should be. */
  connect(address: Address, tls?: ClientTls): Promise<Socket>
}

/** What a listener proves itself with, and what it wants of clients. PEM; TLS 1.2 and later. */
export interface ServerTls {
  readonly key: Buffer
  /** The certificate, followed by those between it and its root. */
  readonly cert: Buffer
  /** Certificates that client certificates must come from. */
  readonly ca?: Buffer
  /** Whether clients show a certificate: never, if they like, or always. One that is shown must be valid. */
  readonly clientAuth: 'none' | 'requested' | 'required'
}

/**
 * TLS as a client: PEM; TLS 1.2 and later.
 */
export interface ClientTls {
  /** Certificates that the server's must come from. @defaultValue those that Node brings */
  readonly ca?: Buffer | string
  /** The client's own certificate, where the server wants one, and its key. */
  readonly cert?: Buffer | string
  readonly key?: Buffer | string
  /** Name that the server's certificate must be for. @defaultValue the host that is connected to */
  readonly serverName?: string
}

export interface Address {
  readonly host: string
  readonly port: number
}

export interface Listener {
  readonly address: Address
  /** Stops accepting; open sockets are not touched. */
  close(): Promise<void>
  /**
   * New connections get these; open ones keep what they have, and `clientAuth` stays. Throws INVALID_CONFIG when they
   * cannot be used: then nothing has changed. Only a listener with TLS has this.
   */
  replaceTls?(tls: ServerTls): void
}

/** A stream of bytes. `handle` must be called synchronously by whoever receives the socket. */
export interface Socket {
  readonly remote: Address
  /** The certificate (DER) by which the client has proved who it is; known once it has sent something. */
  readonly peerCertificate?: Buffer | undefined
  handle(handlers: SocketHandlers): void
  /**
   * Queues the bytes; false asks the caller to wait for `drained` before sending more. The bytes must not change. After
   * the end of the connection they vanish, and `closed` tells so. Several pieces are sent one after another.
   */
  write(bytes: Uint8Array | readonly Uint8Array[]): boolean
  /** Bytes queued here and not yet taken by the system. */
  readonly queuedBytes: number
  /** Stops and restarts the delivery of `data`: back-pressure on the peer. */
  pause(): void
  resume(): void
  /**
   * Sends what is queued, then the end. The peer still delivers what it has queued by then and ends too; then both are
   * closed. A peer that does not read keeps the socket open: only `destroy` is sure to close it.
   */
  end(): void
  /** Closes at once: what is queued is lost, and the peer may see a broken connection. */
  destroy(): void
}

export interface SocketHandlers {
  data(bytes: Buffer): void
  drained?(): void
  /**
   * Called once, whichever side closed, never within `end` or `destroy`; `error` is CONNECTION_LOST when it was not an
   * orderly end.
   */
  closed(error?: Error): void
}
