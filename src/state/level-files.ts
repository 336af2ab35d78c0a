import path from 'node:path'

import { crc32c } from '../protocol/crc32c.ts'
import type { Files, Timers } from '../platform/platform.ts'
import { checkTable } from './level-table.ts'

/**
 * What the files of a database say about its completeness, before LevelDB opens them. LevelDB under Node checks no
 * checksum of a table and passes over whatever it cannot read of its log, so damage there means missing rows, which
 * nobody who reads a row can see.
 *
 * - A database that was closed in order has a seal: a file that lists its files with their sizes and checksums. All must
 *   be there as they were.
 * - One whose process was killed has none. The checksums that LevelDB itself has written are checked, those of tables
 *   here; it checks those of its manifest and its log when it opens them, and what it then leaves out of the log shows
 *   as a gap in the numbers of the writes (`write-numbers.ts`).
 *
 * Either way every byte of every table is read, file by file with a turn of the event loop in between: a table that was
 * not checked may lack any row. A gigabyte in the page cache takes 1.3 seconds; to restore it would take a minute.
 */
export class LevelFiles {
  readonly #folder: string
  readonly #files: Files
  readonly #timers: Timers
  /** Tables never change: those that the last seal vouches for need not be read again for the next one. */
  #known: ReadonlyMap<string, SealedFile> = new Map()

  constructor(folder: string, { files, timers }: { files: Files; timers: Timers }) {
    this.#folder = folder
    this.#files = files
    this.#timers = timers
  }

  /** Whether there is a seal, and why the files are not those that it lists; null when they are. */
  async checkSeal(): Promise<{ sealed: boolean; damage: string | null }> {
    const seal = this.#files.read(this.#path(sealName))
    if (seal === undefined) return { sealed: false, damage: null }
    const expected = seal.toString()
    const found = await this.#describe()
    if (expected !== sealText(found)) return { sealed: true, damage: difference(expected, found) }
    this.#known = new Map(found.filter(({ name }) => isTable(name)).map(file => [file.name, file]))
    return { sealed: true, damage: null }
  }

  /**
   * Why a database without a seal cannot be trusted, or null. Unfinished tables are removed: those that were being written
   * when the process was killed are of no use, and if LevelDB needs one it will miss it.
   */
  async checkTables(): Promise<string | null> {
    const names = this.#dataFiles()
    if (names.length > 0 && !this.#hasManifest()) return 'the list of its tables is missing'
    for (const name of names.filter(isTable)) {
      const table = this.#files.read(this.#path(name)) ?? Buffer.alloc(0)
      const state = checkTable(table)
      if (state === 'damaged') return `a checksum in ${name} is wrong`
      if (state === 'unfinished') this.#files.remove(this.#path(name))
      await this.#timers.yield()
    }
    return null
  }

  removeSeal(): void {
    this.#files.remove(this.#path(sealName))
  }

  /** Makes the seal durable. The database must be closed, and its files must be durable. */
  async seal(): Promise<void> {
    const text = sealText(await this.#describe())
    await this.#files.replace(this.#path(sealName), Buffer.from(text))
  }

  async #describe(): Promise<SealedFile[]> {
    const described: SealedFile[] = []
    for (const name of this.#dataFiles()) {
      const known = this.#known.get(name)
      if (known !== undefined && known.size === this.#files.size(this.#path(name))) {
        described.push(known)
        continue
      }
      const content = this.#files.read(this.#path(name)) ?? Buffer.alloc(0)
      described.push({ name, size: content.length, checksum: crc32c(content) })
      await this.#timers.yield()
    }
    return described
  }

  #dataFiles(): string[] {
    return this.#files.list(this.#folder).filter(name => dataFile.test(name))
  }

  #hasManifest(): boolean {
    const name = this.#files.read(this.#path('CURRENT'))?.toString().trimEnd() ?? ''
    return /^MANIFEST-\d+$/.test(name) && this.#files.size(this.#path(name)) !== undefined
  }

  #path(name: string): string {
    return path.join(this.#folder, name)
  }
}

interface SealedFile {
  readonly name: string
  readonly size: number
  readonly checksum: number
}

/** LevelDB leaves files alone whose names it does not know. */
const sealName = 'SEAL'

/** All but LevelDB's lock and its diary. */
const dataFile = /^(?:CURRENT|MANIFEST-\d+|\d+\.(?:ldb|sst|log))$/

const isTable = (name: string): boolean => /\.(?:ldb|sst)$/.test(name)

const sealLine = ({ name, size, checksum }: SealedFile): string =>
  `${name} ${size} ${checksum.toString(16).padStart(8, '0')}\n`

const sealText = (files: readonly SealedFile[]): string => files.map(sealLine).join('')

function difference(expected: string, found: readonly SealedFile[]): string {
  const lines = new Set(found.map(sealLine))
  const lost = expected.split(/(?<=\n)/).find(line => !lines.has(line))
  return lost === undefined
    ? 'it has files that it did not have when it was closed'
    : `${lost.split(' ')[0]} is not as it was when the database was closed`
}
