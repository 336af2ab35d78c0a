import { crc32 } from 'node:zlib'
import { MillraceError } from '../../errors.ts'
import { attempt, failureOf } from '../file-error.ts'
import type { OpenFile } from '../platform.ts'
import type { FileContent } from './file-content.ts'
import type { OperationKind } from './operation.ts'
import type { SeededRandom } from './seeded-random.ts'

/** What an open file stands on. */
interface OpenFileHost {
  readonly begin: (kind: OperationKind, detail: string) => void
  readonly flush: (failure: Error | undefined, finish: () => void) => Promise<void>
  readonly random: SeededRandom
}

/** Opens a simulated file; removed or renamed meanwhile, it stays the same file. */
export function openSimulatedFile(
  path: string,
  content: FileContent,
  { begin, flush, random }: OpenFileHost,
): OpenFile {
  let closed = false

  const requireOpen = (): void => {
    if (closed) throw new MillraceError('CLOSED', `The file ${path} was closed before this call.`)
  }

  const write = (bytes: Uint8Array, position: number): void => {
    requireOpen()
    attempt('write', path, () => {
      let written = 0
      try {
        begin('write', `${bytes.byteLength} bytes at ${position}, crc ${crc32(bytes)}`)
        written = bytes.byteLength
      } catch (error) {
        // A disk that fills up takes a part before it refuses the rest.
        written = random.below(bytes.byteLength)
        throw error
      } finally {
        content.write(bytes.subarray(0, written), position)
      }
    })
  }

  return {
    path,

    size() {
      requireOpen()
      return attempt('look at', path, () => {
        begin('size', '')
        return content.size
      })
    },

    write,
    writev: (chunks, position) => write(Buffer.concat(chunks), position),

    read(target, offset, length, position) {
      requireOpen()
      return attempt('read', path, () => {
        begin('read', `${length} bytes at ${position}`)
        const bytes = content.view.subarray(position, position + length)
        target.set(bytes, offset)
        return bytes.length
      })
    },

    truncate(size) {
      requireOpen()
      attempt('truncate', path, () => {
        begin('truncate', `to ${size}`)
        content.resize(size)
      })
    },

    async sync() {
      requireOpen()
      const failure = failureOf('sync', path, () => begin('sync', ''))
      const upTo = content.latestChange
      await flush(failure, () => {
        if (failure === undefined) content.synced(upTo)
        else content.syncFailed(upTo, random)
      })
    },

    close() {
      closed = true
    },
  }
}
