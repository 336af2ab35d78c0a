import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { nodePlatform } from '../../src/platform/node-platform.ts'
import { listenError } from '../../src/platform/socket-error.ts'
import { platformContract } from './platform-contract.ts'

platformContract('nodePlatform', () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-platform-'))
  return {
    platform: nodePlatform(),
    folder,
    run: body => body(),
    dispose: () => rmSync(folder, { recursive: true, force: true }),
  }
})

const { files, sockets } = nodePlatform()

test.runIf(existsSync('/dev/full'))('a full disk is a FILE_ERROR that says so', () => {
  const file = files.open('/dev/full')
  try {
    expect(() => file.write(Buffer.from('x'), 0)).toThrow(
      expect.objectContaining({
        code: 'FILE_ERROR',
        retriable: true,
        message: 'Could not write /dev/full (ENOSPC). The disk is full: free some space.',
        cause: expect.objectContaining({ code: 'ENOSPC' }),
      }),
    )
  } finally {
    file.close()
  }
})

test.skipIf(process.platform === 'win32')('what is private is for its owner only', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-platform-'))
  const path = join(folder, 'users')
  for (const content of ['first', 'second']) {
    await files.replace(path, Buffer.from(content), { isPrivate: true })
    expect(statSync(path).mode & 0o777).toBe(0o600)
  }
  rmSync(folder, { recursive: true, force: true })
})

test.runIf(existsSync('/proc/self'))('a folder that no one can make is refused', () => {
  for (const folder of ['/proc/absent', '/proc/absent/inner/data']) {
    expect(() => files.makeFolder(folder)).toThrow(
      expect.objectContaining({
        code: 'FILE_ERROR',
        cause: expect.objectContaining({ code: 'ENOENT' }),
      }),
    )
  }
})

test('a port that this user may not use is INVALID_CONFIG', () => {
  const cause = Object.assign(new Error('listen EACCES'), { code: 'EACCES' })
  const error = listenError({ host: '127.0.0.1', port: 80 }, cause)
  expect(error).toMatchObject({ code: 'INVALID_CONFIG', retriable: false })
  expect(error.message).toBe(
    'Cannot listen on 127.0.0.1:80 (EACCES). This user may not use that port: choose one above 1023.',
  )
})

test('a host name that nobody knows is CONNECTION_LOST', async () => {
  const error: unknown = await sockets
    .connect({ host: 'no-such-host.invalid', port: 9 })
    .catch(e => e)
  expect(error).toMatchObject({ code: 'CONNECTION_LOST' })
  expect(String(error)).toContain('no-such-host.invalid:9')
})
