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
  /** Opens for reading and writing at any position; `create` makes the file when it is absent. */
  open(path: string, options?: { create?: boolean }): OpenFile
  /** The whole file, or undefined when there is none. */
  read(path: string): Buffer | undefined
  /**
   * Replaces the file as a whole: temporary file, fsync, rename, fsync of the folder. After a crash the old or the new
   * content is there, never a mixture.
   */
  replace(path: string, content: Buffer): Promise<void>
  /** Names in the folder, sorted; empty when there is no such folder. */
  list(folder: string): string[]
  /** Size in bytes, or undefined when there is no such file. */
  size(path: string): number | undefined
  /** Creates the folder and its parents. */
  makeFolder(folder: string): void
  rename(from: string, to: string): void
  /** Removes a file or a folder with all it holds; absent is fine. */
  remove(path: string): void
  /** Makes creations, renames and removals in the folder durable. */
  syncFolder(folder: string): Promise<void>
  /**
   * Takes the folder for this process. Throws FOLDER_LOCKED, naming the holder's process id, while another living
   * process holds it; a lock left by a dead process is taken over.
   */
  lock(folder: string): FolderLock
}

export interface OpenFile {
  readonly path: string
  size(): number
  /** Writes all of `bytes` at `position`. */
  write(bytes: Uint8Array, position: number): void
  /** Writes the chunks one after another from `position`. */
  writev(chunks: readonly Uint8Array[], position: number): void
  /** Reads up to `length` bytes from `position` into `target` at `offset`; returns how many there were. */
  read(target: Uint8Array, offset: number, length: number, position: number): number
  truncate(size: number): void
  /** Resolves when everything written before the call is durable (fdatasync). */
  sync(): Promise<void>
  close(): void
}

export interface FolderLock {
  release(): void
}

export interface Sockets {
  /** Throws PORT_IN_USE when the port is taken. Port 0 takes a free one. */
  listen(address: Address, accept: (socket: Socket) => void): Promise<Listener>
  /** Throws CONNECTION_LOST when nobody answers. */
  connect(address: Address): Promise<Socket>
}

export interface Address {
  readonly host: string
  readonly port: number
}

export interface Listener {
  readonly address: Address
  /** Stops accepting; open sockets are not touched. */
  close(): Promise<void>
}

/** A stream of bytes. `handle` must be called synchronously by whoever receives the socket. */
export interface Socket {
  readonly remote: Address
  handle(handlers: SocketHandlers): void
  /** Queues the bytes; false asks the caller to wait for `drained` before sending more. The bytes must not change. */
  write(bytes: Uint8Array): boolean
  /** Bytes queued here and not yet taken by the system. */
  readonly queuedBytes: number
  /** Stops and restarts the delivery of `data`: back-pressure on the peer. */
  pause(): void
  resume(): void
  /** Sends what is queued, then closes. */
  end(): void
  /** Closes at once. */
  destroy(): void
}

export interface SocketHandlers {
  data(bytes: Buffer): void
  drained?(): void
  /** Called once, whichever side closed; `error` when it was not an orderly end. */
  closed(error?: Error): void
}
