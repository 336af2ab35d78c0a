import { systemError } from './system-error.ts'
import { FileContent } from './file-content.ts'
import type { SeededRandom } from './seeded-random.ts'

export type DiskNode = FileNode | FolderNode

export interface FileNode {
  readonly kind: 'file'
  readonly content: FileContent
}

export interface FolderNode {
  readonly kind: 'folder'
  /** What processes see. */
  readonly entries: Map<string, DiskNode>
  /** What is on the device. */
  readonly durable: Map<string, DiskNode>
}

/** One creation, removal or renaming: it reaches the device as a whole or not at all. */
interface EntryChange {
  readonly number: number
  readonly edits: readonly EntryEdit[]
}

interface EntryEdit {
  readonly folder: FolderNode
  readonly name: string
  /** What the name stands for afterwards; undefined when it is gone. */
  readonly node: DiskNode | undefined
}

/**
 * The disk of a simulated machine: a tree of folders and files, with the changes to folders that no `syncFolder` has
 * covered yet. A power loss keeps some of those changes, each only if the earlier ones it builds on, those of the same
 * names, are kept too, as a journal does.
 */
export class Disk {
  readonly #root: FolderNode
  #unsynced: EntryChange[]
  #changes: number

  constructor(root: FolderNode = emptyFolder(), unsynced: EntryChange[] = []) {
    this.#root = root
    this.#unsynced = unsynced
    this.#changes = unsynced.at(-1)?.number ?? 0
  }

  /** What stands at the path, or undefined. Throws ENOTDIR when the path leads through a file. */
  find(path: string): DiskNode | undefined {
    let node: DiskNode | undefined = this.#root
    for (const name of namesOf(path)) {
      if (node === undefined) return undefined
      if (node.kind === 'file') throw systemError('ENOTDIR')
      node = node.entries.get(name)
    }
    return node
  }

  /** What all files hold together. */
  usedBytes(): number {
    return bytesIn(this.#root)
  }

  createFile(path: string): FileNode {
    const node: FileNode = { kind: 'file', content: new FileContent() }
    const { folder, name } = this.#place(path)
    this.#change([{ folder, name, node }])
    return node
  }

  /** Makes the folder and those above it. */
  makeFolder(path: string): void {
    let folder = this.#root
    const names = namesOf(path)
    for (const [depth, name] of names.entries()) {
      const there = folder.entries.get(name)
      if (there?.kind === 'file') {
        throw systemError(depth === names.length - 1 ? 'EEXIST' : 'ENOTDIR')
      }
      const node = there ?? emptyFolder()
      if (there === undefined) this.#change([{ folder, name, node }])
      folder = node
    }
  }

  rename(from: string, to: string): void {
    const source = this.#place(from)
    const node = source.folder.entries.get(source.name)
    if (node === undefined) throw systemError('ENOENT')
    const target = this.#place(to)
    if (`${namesOf(to).join('/')}/`.startsWith(`${namesOf(from).join('/')}/`)) {
      if (namesOf(to).length === namesOf(from).length) return
      throw systemError('EINVAL')
    }
    const replaced = target.folder.entries.get(target.name)
    if (replaced !== undefined) {
      if (replaced.kind === 'folder' && node.kind === 'file') throw systemError('EISDIR')
      if (replaced.kind === 'file' && node.kind === 'folder') throw systemError('ENOTDIR')
      if (replaced.kind === 'folder' && replaced.entries.size > 0) throw systemError('ENOTEMPTY')
    }
    this.#change([
      { ...source, node: undefined },
      { ...target, node },
    ])
  }

  /** Removes a file, or a folder from its leaves up. */
  remove(path: string): void {
    const node = this.find(path)
    if (node === undefined) return
    if (node.kind === 'folder') {
      for (const name of node.entries.keys()) this.remove(`${path}/${name}`)
    }
    const { folder, name } = this.#place(path)
    this.#change([{ folder, name, node: undefined }])
  }

  /** Names the moment of a call to `syncFolder`: all changes up to now. */
  get latestChange(): number {
    return this.#changes
  }

  /** The device has every change of the folder up to that one, and those that it builds on. */
  folderSynced(folder: FolderNode, upTo: number): void {
    const needed: EntryChange[] = []
    for (const change of this.#unsynced.toReversed()) {
      if (change.number > upTo) continue
      const inFolder = change.edits.some(edit => edit.folder === folder)
      if (inFolder || needed.some(later => buildsOn(later, change))) needed.push(change)
    }
    for (const change of needed.toReversed()) applyToDevice(change)
    this.#unsynced = this.#unsynced.filter(change => !needed.includes(change))
  }

  /**
   * The disk that is found after a power loss at this moment. Whoever still uses this one sees what it saw before, but
   * nothing of it becomes durable any more.
   */
  afterPowerLoss(random: SeededRandom): Disk {
    const keep = [0, 0.5, 0.9, 1][random.below(4)] ?? 0
    const lost: EntryChange[] = []
    for (const change of this.#unsynced) {
      if (lost.some(earlier => buildsOn(change, earlier)) || !random.chance(keep)) lost.push(change)
      else applyToDevice(change)
    }
    const fromDevice = (folder: FolderNode): FolderNode => {
      const entries = new Map<string, DiskNode>()
      for (const [name, node] of folder.durable) {
        const kept: DiskNode =
          node.kind === 'folder'
            ? fromDevice(node)
            : { kind: 'file', content: node.content.afterPowerLoss(random) }
        entries.set(name, kept)
      }
      return { kind: 'folder', entries, durable: new Map(entries) }
    }
    return new Disk(fromDevice(this.#root))
  }

  /** The same disk for another process: nothing that is done to the one shows in the other. */
  copy(): Disk {
    const copies = new Map<DiskNode, DiskNode>()
    const copyFolder = (folder: FolderNode): FolderNode => {
      const known = copies.get(folder)
      if (known?.kind === 'folder') return known
      const copied = emptyFolder()
      copies.set(folder, copied)
      for (const [name, node] of folder.entries) copied.entries.set(name, copy(node))
      for (const [name, node] of folder.durable) copied.durable.set(name, copy(node))
      return copied
    }
    const copy = (node: DiskNode): DiskNode => {
      if (node.kind === 'folder') return copyFolder(node)
      const copied = copies.get(node) ?? { kind: 'file', content: node.content.copy() }
      copies.set(node, copied)
      return copied
    }
    const unsynced = this.#unsynced.map(({ number, edits }) => ({
      number,
      edits: edits.map(edit => ({
        folder: copyFolder(edit.folder),
        name: edit.name,
        node: edit.node && copy(edit.node),
      })),
    }))
    return new Disk(copyFolder(this.#root), unsynced)
  }

  #place(path: string): { folder: FolderNode; name: string } {
    const names = namesOf(path)
    const name = names.pop()
    if (name === undefined) throw systemError('EBUSY')
    const folder = this.find(names.join('/'))
    if (folder === undefined) throw systemError('ENOENT')
    if (folder.kind === 'file') throw systemError('ENOTDIR')
    return { folder, name }
  }

  #change(edits: readonly EntryEdit[]): void {
    this.#unsynced.push({ number: ++this.#changes, edits })
    for (const edit of edits) {
      if (edit.node === undefined) edit.folder.entries.delete(edit.name)
      else edit.folder.entries.set(edit.name, edit.node)
    }
  }
}

function applyToDevice(change: EntryChange): void {
  for (const { folder, name, node } of change.edits) {
    if (node === undefined) folder.durable.delete(name)
    else folder.durable.set(name, node)
  }
}

function buildsOn(later: EntryChange, earlier: EntryChange): boolean {
  return later.edits.some(edit =>
    earlier.edits.some(other => other.folder === edit.folder && other.name === edit.name),
  )
}

function emptyFolder(): FolderNode {
  return { kind: 'folder', entries: new Map(), durable: new Map() }
}

function namesOf(path: string): string[] {
  return path.split('/').filter(name => name !== '')
}

function bytesIn(node: DiskNode): number {
  if (node.kind === 'file') return node.content.size
  let bytes = 0
  for (const entry of node.entries.values()) bytes += bytesIn(entry)
  return bytes
}
