import { join } from 'node:path'
import { z } from 'zod'
import type { Logger } from '../logger.ts'
import type { Files } from '../platform/platform.ts'
import type { TaskState } from '../state/task-state.ts'

/** How far the state of a task must have come before it is worth writing down. Kafka Streams' threshold for checkpoints. */
const worthWriting = 10_000

const offsetsFile = z.record(z.string(), z.number())

/**
 * How far the state goes that is on disk of tasks that do not run here, in `stored-offsets.json` of the state folder: whoever
 * shares out tasks wants to know without opening databases. It is an estimate, at most some thousand records too low;
 * what is restored follows from what a database itself says.
 */
export class StoredOffsets {
  readonly #files: Files
  readonly #folder: string
  readonly #logger: Logger
  readonly #offsets: Map<string, number>
  /** What the file has, or will have soon. */
  #written: Map<string, number>
  #writing: Promise<void> = Promise.resolve()

  constructor(options: { files: Files; folder: string; logger: Logger }) {
    this.#files = options.files
    this.#folder = options.folder
    this.#logger = options.logger
    this.#offsets = this.#read()
    this.#written = new Map(this.#offsets)
  }

  /** The sum of the offsets of a task; 0 when nothing is known. */
  of(taskId: string): number {
    return this.#offsets.get(taskId) ?? 0
  }

  /** Remembers how far the state of a task is now. */
  note({ taskId, storedOffsetSum: sum }: Pick<TaskState, 'taskId' | 'storedOffsetSum'>): void {
    this.#offsets.set(taskId, sum)
    if (Math.abs(sum - (this.#written.get(taskId) ?? 0)) >= worthWriting) this.#write()
  }

  /** The state of the task is removed. */
  forget(taskId: string): void {
    if (this.#offsets.delete(taskId)) this.#write()
  }

  /** Writes down everything. */
  async close(): Promise<void> {
    this.#write()
    await this.#writing
  }

  get #path(): string {
    return join(this.#folder, 'stored-offsets.json')
  }

  #read(): Map<string, number> {
    const content = this.#files.read(this.#path)
    if (content === undefined) return new Map()
    try {
      return new Map(Object.entries(offsetsFile.parse(JSON.parse(content.toString()))))
    } catch (error) {
      // It only helps to choose where tasks go.
      this.#logger.warn({ path: this.#path, error }, 'The file of stored offsets is not readable')
      return new Map()
    }
  }

  #write(): void {
    const offsets = Object.fromEntries(this.#offsets)
    this.#written = new Map(this.#offsets)
    const content = Buffer.from(`${JSON.stringify(offsets)}\n`)
    const written = this.#files.replace(this.#path, content)
    this.#writing = written.catch((error: unknown) =>
      this.#logger.warn({ path: this.#path, error }, 'Stored offsets could not be written'),
    )
  }
}
