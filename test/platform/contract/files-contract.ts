import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { MillraceError } from '../../../src/errors.ts'
import type { OpenFile } from '../../../src/platform/platform.ts'
import type { InWorld } from '../platform-contract.ts'

export function filesContract(inWorld: InWorld): void {
  describe('files', () => {
    test(
      'what is written at a position is read there',
      inWorld(async ({ platform: { files }, folder }) => {
        const file = files.open(join(folder, 'a'), { create: true })
        file.write(Buffer.from('hello'), 0)
        file.write(Buffer.from('y'), 0)
        file.write(Buffer.from('w'), 4)
        expect(file.size()).toBe(5)
        expect(contentOf(file).toString()).toBe('yellw')
        file.close()
        expect(files.read(join(folder, 'a'))?.toString()).toBe('yellw')
        expect(files.size(join(folder, 'a'))).toBe(5)
      }),
    )

    test(
      'a volume has room, and a folder that is not there has none to tell of',
      inWorld(async ({ platform: { files }, folder }) => {
        const { totalBytes, usableBytes } = files.volume(folder)
        expect(totalBytes).toBeGreaterThan(0)
        expect(usableBytes).toBeGreaterThanOrEqual(0)
        expect(usableBytes).toBeLessThanOrEqual(totalBytes)
        expect(codeOf(() => files.volume(join(folder, 'missing')))).toBe('FILE_ERROR')
      }),
    )

    test(
      'a write beyond the end leaves zeros between',
      inWorld(async ({ platform: { files }, folder }) => {
        const file = files.open(join(folder, 'a'), { create: true })
        file.write(Buffer.from('x'), 3)
        expect([...contentOf(file)]).toEqual([0, 0, 0, 120])
        file.close()
      }),
    )

    test(
      'what was cut off does not come back when the file grows again',
      inWorld(async ({ platform: { files }, folder }) => {
        const file = files.open(join(folder, 'a'), { create: true })
        file.write(Buffer.from('abcdef'), 0)
        file.truncate(2)
        expect(file.size()).toBe(2)
        file.truncate(4)
        expect([...contentOf(file)]).toEqual([97, 98, 0, 0])
        file.close()
      }),
    )

    test(
      'writev writes its chunks one after another, empty and many ones too',
      inWorld(async ({ platform: { files }, folder }) => {
        const file = files.open(join(folder, 'a'), { create: true })
        file.write(Buffer.from('__'), 0)
        const chunks = Array.from({ length: 3000 }, (_, i) =>
          Buffer.from(i % 7 === 0 ? '' : `${i},`),
        )
        file.writev(chunks, 1)
        file.writev([], 0)
        expect(contentOf(file).toString()).toBe(`_${Buffer.concat(chunks).toString()}`)
        file.close()
      }),
    )

    test(
      'a read stops at the end of the file and fills only its part of the target',
      inWorld(async ({ platform: { files }, folder }) => {
        const file = files.open(join(folder, 'a'), { create: true })
        file.write(Buffer.from('abc'), 0)
        const target = Buffer.from('.......')
        expect(file.read(target, 2, 4, 1)).toBe(2)
        expect(target.toString()).toBe('..bc...')
        expect(file.read(target, 0, 4, 3)).toBe(0)
        expect(file.read(target, 0, 4, 100)).toBe(0)
        file.close()
      }),
    )

    test(
      'the written buffer may be used again at once',
      inWorld(async ({ platform: { files }, folder }) => {
        const file = files.open(join(folder, 'a'), { create: true })
        const buffer = Buffer.from('abc')
        file.write(buffer, 0)
        buffer.fill('z')
        expect(contentOf(file).toString()).toBe('abc')
        file.close()
      }),
    )

    test(
      'two openings of one path see the same file',
      inWorld(async ({ platform: { files }, folder }) => {
        const one = files.open(join(folder, 'a'), { create: true })
        const two = files.open(join(folder, 'a'))
        one.write(Buffer.from('abc'), 0)
        expect(contentOf(two).toString()).toBe('abc')
        one.close()
        two.close()
      }),
    )

    test(
      'sync resolves, several at once too, and when the file is closed meanwhile',
      inWorld(async ({ platform: { files }, folder }) => {
        const file = files.open(join(folder, 'a'), { create: true })
        file.write(Buffer.from('abc'), 0)
        await file.sync()
        const syncs = [file.sync(), file.sync()]
        file.close()
        await Promise.all(syncs)
        await files.syncFolder(folder)
      }),
    )

    test(
      'a closed file refuses every use, and closing again is harmless',
      inWorld(async ({ platform: { files }, folder }) => {
        const file = files.open(join(folder, 'a'), { create: true })
        file.close()
        file.close()
        expect(codeOf(() => file.size())).toBe('CLOSED')
        expect(codeOf(() => file.write(Buffer.from('x'), 0))).toBe('CLOSED')
        expect(codeOf(() => file.writev([Buffer.from('x')], 0))).toBe('CLOSED')
        expect(codeOf(() => file.read(Buffer.alloc(1), 0, 1, 0))).toBe('CLOSED')
        expect(codeOf(() => file.truncate(0))).toBe('CLOSED')
        await expect(file.sync()).rejects.toMatchObject({ code: 'CLOSED' })
      }),
    )

    test(
      'a file that is not there is undefined to read and size, and an error to open',
      inWorld(async ({ platform: { files }, folder }) => {
        const path = join(folder, 'absent')
        expect(files.read(path)).toBeUndefined()
        expect(files.size(path)).toBeUndefined()
        expect(files.read(join(folder, 'no-folder', 'absent'))).toBeUndefined()
        const error = errorOf(() => files.open(path))
        expect(error.code).toBe('FILE_ERROR')
        expect(error.message).toContain(path)
        expect(error.message).toContain('ENOENT')
        expect(error.cause).toMatchObject({ code: 'ENOENT' })
        expect(files.list(folder)).toEqual([])
      }),
    )

    test(
      'a file cannot be made in a folder that is not there',
      inWorld(async ({ platform: { files }, folder }) => {
        const path = join(folder, 'no-folder', 'a')
        expect(systemCodeOf(() => files.open(path, { create: true }))).toBe('ENOENT')
      }),
    )

    test(
      'a file is no folder and a folder is no file',
      inWorld(async ({ platform: { files }, folder }) => {
        makeFile(files.open(join(folder, 'file'), { create: true }), 'x')
        files.makeFolder(join(folder, 'inner'))
        expect(systemCodeOf(() => files.open(join(folder, 'inner'), { create: true }))).toBe(
          'EISDIR',
        )
        expect(systemCodeOf(() => files.read(join(folder, 'inner')))).toBe('EISDIR')
        expect(systemCodeOf(() => files.list(join(folder, 'file')))).toBe('ENOTDIR')
        expect(systemCodeOf(() => files.makeFolder(join(folder, 'file')))).toBe('EEXIST')
        expect(systemCodeOf(() => files.makeFolder(join(folder, 'file', 'inner')))).toBe('ENOTDIR')
        expect(systemCodeOf(() => files.open(join(folder, 'file', 'a'), { create: true }))).toBe(
          'ENOTDIR',
        )
        expect(files.size(join(folder, 'inner'))).toBeUndefined()
      }),
    )

    test(
      'folders are made with their parents, and again without harm',
      inWorld(async ({ platform: { files }, folder }) => {
        files.makeFolder(join(folder, 'x', 'y', 'z'))
        files.makeFolder(join(folder, 'x', 'y', 'z'))
        expect(files.list(join(folder, 'x'))).toEqual(['y'])
      }),
    )

    test(
      'list gives sorted names of files and folders, nothing for an absent folder',
      inWorld(async ({ platform: { files }, folder }) => {
        for (const name of ['b', 'a', 'B', '10', '9']) {
          makeFile(files.open(join(folder, name), { create: true }), name)
        }
        files.makeFolder(join(folder, 'aa'))
        expect(files.list(folder)).toEqual(['10', '9', 'B', 'a', 'aa', 'b'])
        expect(files.list(join(folder, 'absent'))).toEqual([])
      }),
    )

    test(
      'rename moves a file over another, and a folder with what it holds',
      inWorld(async ({ platform: { files }, folder }) => {
        makeFile(files.open(join(folder, 'a'), { create: true }), 'new')
        makeFile(files.open(join(folder, 'b'), { create: true }), 'old')
        files.rename(join(folder, 'a'), join(folder, 'b'))
        expect(files.list(folder)).toEqual(['b'])
        expect(files.read(join(folder, 'b'))?.toString()).toBe('new')
        files.makeFolder(join(folder, 'x'))
        files.rename(join(folder, 'b'), join(folder, 'x', 'b'))
        files.rename(join(folder, 'x'), join(folder, 'y'))
        expect(files.read(join(folder, 'y', 'b'))?.toString()).toBe('new')
        expect(files.list(folder)).toEqual(['y'])
      }),
    )

    test(
      'rename refuses an absent file and a folder that is not empty',
      inWorld(async ({ platform: { files }, folder }) => {
        const [absent, x, y] = [join(folder, 'absent'), join(folder, 'x'), join(folder, 'y')]
        expect(systemCodeOf(() => files.rename(absent, x))).toBe('ENOENT')
        files.makeFolder(x)
        files.makeFolder(join(y, 'inner'))
        expect(systemCodeOf(() => files.rename(x, y))).toBe('ENOTEMPTY')
        expect(systemCodeOf(() => files.rename(y, join(y, 'inner', 'y')))).toBe('EINVAL')
        makeFile(files.open(join(folder, 'file'), { create: true }), 'x')
        expect(systemCodeOf(() => files.rename(join(folder, 'file'), x))).toBe('EISDIR')
        expect(systemCodeOf(() => files.rename(x, join(folder, 'file')))).toBe('ENOTDIR')
      }),
    )

    test(
      'remove takes a file, a folder with all it holds, and what is not there',
      inWorld(async ({ platform: { files }, folder }) => {
        makeFile(files.open(join(folder, 'a'), { create: true }), 'x')
        files.makeFolder(join(folder, 'x', 'y'))
        makeFile(files.open(join(folder, 'x', 'y', 'b'), { create: true }), 'x')
        files.remove(join(folder, 'a'))
        files.remove(join(folder, 'x'))
        files.remove(join(folder, 'absent'))
        files.remove(join(folder, 'absent', 'b'))
        expect(files.list(folder)).toEqual([])
      }),
    )

    test(
      'a removed file stays usable for whoever has it open',
      inWorld(async ({ platform: { files }, folder }) => {
        const file = files.open(join(folder, 'a'), { create: true })
        file.write(Buffer.from('abc'), 0)
        files.remove(join(folder, 'a'))
        file.write(Buffer.from('d'), 3)
        expect(contentOf(file).toString()).toBe('abcd')
        await file.sync()
        file.close()
        expect(files.list(folder)).toEqual([])
      }),
    )

    test(
      'replace makes the file or changes it as a whole and leaves nothing beside it',
      inWorld(async ({ platform: { files }, folder }) => {
        const path = join(folder, 'checkpoint')
        await files.replace(path, Buffer.from('a longer first content'))
        await files.replace(path, Buffer.from('second'))
        expect(files.read(path)?.toString()).toBe('second')
        expect(files.list(folder)).toEqual(['checkpoint'])
      }),
    )

    test(
      'of several replacements at once the last call stays',
      inWorld(async ({ platform: { files }, folder }) => {
        const path = join(folder, 'checkpoint')
        await Promise.all(['1', '22', '3'].map(text => files.replace(path, Buffer.from(text))))
        expect(files.read(path)?.toString()).toBe('3')
        expect(files.list(folder)).toEqual(['checkpoint'])
      }),
    )

    test(
      'replace overwrites what an interrupted replacement left',
      inWorld(async ({ platform: { files }, folder }) => {
        const path = join(folder, 'checkpoint')
        makeFile(files.open(`${path}.tmp`, { create: true }), 'a very long leftover')
        await files.replace(path, Buffer.from('short'))
        expect(files.read(path)?.toString()).toBe('short')
      }),
    )

    test(
      'replace and syncFolder fail in a folder that is not there',
      inWorld(async ({ platform: { files }, folder }) => {
        const absent = join(folder, 'absent')
        await expect(files.replace(join(absent, 'a'), Buffer.from('x'))).rejects.toMatchObject({
          code: 'FILE_ERROR',
        })
        await expect(files.syncFolder(absent)).rejects.toMatchObject({ code: 'FILE_ERROR' })
      }),
    )

    test(
      'a folder is locked once, by this process too, until it is released',
      inWorld(async ({ platform: { files }, folder }) => {
        const lock = files.lock(folder)
        const error = errorOf(() => files.lock(folder))
        expect(error.code).toBe('FOLDER_LOCKED')
        expect(error.message).toContain(folder)
        expect(error.message).toMatch(/pid \d+/)
        lock.release()
        const again = files.lock(folder)
        lock.release()
        expect(codeOf(() => files.lock(folder))).toBe('FOLDER_LOCKED')
        again.release()
        expect(files.list(folder)).toEqual([])
      }),
    )

    test(
      'locks of different folders do not meet, and a folder must be there to be locked',
      inWorld(async ({ platform: { files }, folder }) => {
        files.makeFolder(join(folder, 'x'))
        files.makeFolder(join(folder, 'y'))
        const locks = [files.lock(join(folder, 'x')), files.lock(join(folder, 'y'))]
        for (const lock of locks) lock.release()
        expect(systemCodeOf(() => files.lock(join(folder, 'absent')))).toBe('ENOENT')
      }),
    )

    test(
      'what is no lock of a living process is taken over',
      inWorld(async ({ platform: { files }, folder }) => {
        makeFile(files.open(join(folder, '.millrace.lock'), { create: true }), '{"pid":1,"st')
        const lock = files.lock(folder)
        expect(codeOf(() => files.lock(folder))).toBe('FOLDER_LOCKED')
        lock.release()
        expect(files.list(folder)).toEqual([])
      }),
    )
  })
}

function makeFile(file: OpenFile, text: string): void {
  file.write(Buffer.from(text), 0)
  file.close()
}

function contentOf(file: OpenFile): Buffer {
  const content = Buffer.alloc(file.size())
  file.read(content, 0, content.length, 0)
  return content
}

function errorOf(call: () => unknown): MillraceError {
  try {
    call()
  } catch (error) {
    if (error instanceof MillraceError) return error
    throw error
  }
  throw new Error('The call was expected to fail')
}

function codeOf(call: () => unknown): string {
  return errorOf(call).code
}

function systemCodeOf(call: () => unknown): unknown {
  const { code, cause } = errorOf(call)
  expect(code).toBe('FILE_ERROR')
  return cause instanceof Error && 'code' in cause ? cause.code : undefined
}
