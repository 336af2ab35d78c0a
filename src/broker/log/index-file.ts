import type { Files } from '../../platform/platform.ts'

/**
 * The file below an index: fixed-size entries, appended. Only `save` writes. After a truncation or a failed save the
 * whole file is replaced, so that it never holds a mixture.
 */
export class IndexFile {
  readonly #files: Files
  readonly #path: string
  readonly #entryBytes: number
  #saved = 0
  #rewrite = true

  constructor(files: Files, path: string, entryBytes: number) {
    this.#files = files
    this.#path = path
    this.#entryBytes = entryBytes
  }

  /** The entries on disk; undefined when there is no file or it ends inside an entry. */
  load(): Buffer | undefined {
    const content = this.#files.read(this.#path)
    if (content === undefined || content.length % this.#entryBytes !== 0) return undefined
    this.#saved = content.length / this.#entryBytes
    this.#rewrite = false
    return content
  }

  rewriteFromStart(): void {
    this.#rewrite = true
  }

  async save(count: number, encode: (from: number, to: number) => Buffer): Promise<void> {
    if (this.#rewrite) {
      this.#rewrite = false
      try {
        await this.#files.replace(this.#path, encode(0, count))
      } catch (error) {
        this.#rewrite = true
        throw error
      }
      this.#saved = count
      return
    }
    if (count === this.#saved) return
    const file = this.#files.open(this.#path)
    try {
      file.write(encode(this.#saved, count), this.#saved * this.#entryBytes)
      await file.sync()
      this.#saved = count
    } catch (error) {
      // After a failed fsync nobody knows what the file holds.
      this.#rewrite = true
      throw error
    } finally {
      file.close()
    }
  }
}
