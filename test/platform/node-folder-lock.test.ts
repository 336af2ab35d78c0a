import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { nodePlatform } from '../../src/platform/node-platform.ts'
import type { LockRace } from './lock-race-worker.ts'

const { files, clock } = nodePlatform()
let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-lock-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const lockPath = (): string => join(folder, '.millrace.lock')

/** A process that takes the lock, says so, and stays. */
async function startHolder() {
  const platform = new URL('../../src/platform/node-platform.ts', import.meta.url).href
  const script = `import { nodePlatform } from '${platform}'
    nodePlatform().files.lock(${JSON.stringify(folder)})
    process.stdout.write('locked')
    setInterval(() => {}, 1000)`
  const holder = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(holder.stdout, 'data')
  return holder
}

test('a folder of a living process is refused by name of its pid, and taken over when it was killed', async () => {
  const holder = await startHolder()
  expect(() => files.lock(folder)).toThrow(
    expect.objectContaining({
      code: 'FOLDER_LOCKED',
      message: expect.stringContaining(`another process (pid ${holder.pid})`),
    }),
  )
  holder.kill('SIGKILL')
  await once(holder, 'exit')
  expect(readdirSync(folder)).toEqual(['.millrace.lock'])
  files.lock(folder).release()
  expect(readdirSync(folder)).toEqual([])
})

test.runIf(process.platform === 'linux')(
  'a living process that only has the pid of the holder does not hold the folder',
  () => {
    const lock = files.lock(folder)
    const own = readFileSync(lockPath(), 'utf8')
    writeFileSync(lockPath(), own.replace(/"startedAt":"\d+"/, '"startedAt":"1"'))
    files.lock(folder).release()
    lock.release()
    expect(readdirSync(folder)).toEqual([])
  },
)

test.runIf(process.platform === 'linux')('a holder of an earlier boot is dead', () => {
  files.lock(folder)
  const own = readFileSync(lockPath(), 'utf8')
  writeFileSync(lockPath(), own.replace(clock.bootId, 'an-earlier-boot'))
  files.lock(folder).release()
  expect(readdirSync(folder)).toEqual([])
})

test('a taker that died while it took over does not block the folder', () => {
  const dead = holderThatDied('00000000000000aa')
  writeFileSync(lockPath(), dead)
  writeFileSync(`${lockPath()}.takeover-00000000000000aa`, holderThatDied('00000000000000bb'))
  files.lock(folder)
  expect(readdirSync(folder)).toEqual(['.millrace.lock'])
  expect(() => files.lock(folder)).toThrow(expect.objectContaining({ code: 'FOLDER_LOCKED' }))
})

test('releasing a lock that was removed by hand leaves the lock of the next holder alone', () => {
  const lock = files.lock(folder)
  rmSync(lockPath())
  const next = files.lock(folder)
  lock.release()
  expect(readdirSync(folder)).toEqual(['.millrace.lock'])
  next.release()
})

test('of many that find a dead holder at the same moment exactly one takes its folder', async () => {
  const takers = 3
  const folders = Array.from({ length: 150 }, (_, i) => {
    const path = join(folder, String(i))
    mkdirSync(path)
    // Every third folder is free from the beginning, and every third has a dead taker as well.
    if (i % 3 > 0) {
      writeFileSync(join(path, '.millrace.lock'), holderThatDied('00000000000000aa'))
    }
    if (i % 3 > 1) {
      const claim = join(path, '.millrace.lock.takeover-00000000000000aa')
      writeFileSync(claim, holderThatDied('00000000000000bb'))
    }
    return path
  })
  const race: LockRace = {
    folders,
    takers,
    gate: new Int32Array(new SharedArrayBuffer(4)),
    takenBy: new Int32Array(new SharedArrayBuffer(4 * folders.length)),
  }
  const worker = new URL('./lock-race-worker.ts', import.meta.url)
  await Promise.all(
    Array.from({ length: takers }, () => once(new Worker(worker, { workerData: race }), 'exit')),
  )
  expect([...race.takenBy]).toEqual(folders.map(() => 1))
  for (const path of folders) expect(readdirSync(path)).toEqual(['.millrace.lock'])
})

/** The lock of a process that lived in this boot and is over. */
function holderThatDied(nonce: string): string {
  deadPid ??= spawnSync(process.execPath, ['-e', '']).pid
  return `{"pid":${deadPid},"startedAt":"1","bootId":"${clock.bootId}","nonce":"${nonce}"}`
}
let deadPid: number | undefined
