/**
 * What a state store needs of a storage engine: bytes under byte keys, in unsigned byte order. An engine is one file:
 * `memory-engine.ts` and `level-engine.ts` are the two here, under one contract suite
 * (`test/state/store-engine-contract.ts`). Reads of one key are synchronous because an awaited one costs twenty times
 * as much under Node; writes happen once per commit, as one atomic batch.
 */
export interface StoreEngine {
  /**
   * Opens or creates the database of one task. One open handle per name. Throws FOLDER_LOCKED while another process has
   * it open and CORRUPT_DATA when it cannot be read, or what it holds is not what was written: then `destroy` it.
   */
  open(name: string): Promise<StoreDatabase>
  /** Removes the database of a task with all it holds. It must be closed. */
  destroy(name: string): Promise<void>
}

export interface StoreDatabase {
  /** `seal` was the last thing that happened to it, and it is as that left it. */
  readonly sealed: boolean
  /** The value of a key, or undefined. The buffer belongs to the caller. */
  get(key: Buffer): Buffer | undefined
  /** The same for many keys at once, off the main thread where the engine can. */
  getMany(keys: readonly Buffer[]): Promise<(Buffer | undefined)[]>
  /** Entries in key order, as of the first step of the iteration. What it holds open is closed when the iteration ends. */
  entries(range: KeyRange): AsyncIterable<Entry>
  /** The same without waiting, where the engine can. */
  entriesSync?(range: KeyRange): Iterable<Entry>
  /**
   * Applies all operations in order or, after a crash of the process, none. Takes the buffers over: they must not change
   * any more. An engine that has nothing to wait for returns undefined, and the operations are applied.
   */
  write(operations: readonly WriteOperation[]): Promise<void> | undefined
  /** Resolves when everything written so far survives a loss of power. */
  sync(): Promise<void>
  /** Makes everything durable and closes, in a way that lets the next `open` see whether it is all there. */
  seal(): Promise<void>
  /** Closes as a killed process would. */
  close(): Promise<void>
}

export interface KeyRange {
  /** First key, inclusive; from the beginning when omitted. */
  readonly from?: Buffer
  /** Last key, exclusive; to the end when omitted. */
  readonly to?: Buffer
  readonly reverse?: boolean
}

export type Entry = readonly [key: Buffer, value: Buffer]

/** A put, or a delete when `value` is null. */
export interface WriteOperation {
  readonly key: Buffer
  readonly value: Buffer | null
}
