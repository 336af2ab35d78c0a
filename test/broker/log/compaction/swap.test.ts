import { expect, test } from 'vitest'
import { simulate } from '../../../../src/platform/simulated/simulation.ts'
import type { Files } from '../../../../src/platform/platform.ts'
import {
  beginSwap,
  cleanedPath,
  finishSwap,
  recoverSwaps,
} from '../../../../src/broker/log/compaction/swap.ts'
import { segmentPath, type SegmentFile } from '../../../../src/broker/log/file-names.ts'

const folder = '/log'
const bases = [0, 5, 9, 20]

async function write(files: Files, path: string, content: string): Promise<void> {
  const file = files.open(path, { create: true })
  file.write(Buffer.from(content), 0)
  await file.sync()
  file.close()
}

/** Four segments, of which the second and the third are to be replaced; all durable. */
async function prepare(files: Files): Promise<void> {
  files.makeFolder(folder)
  await files.syncFolder('/')
  for (const base of bases) {
    const kinds: SegmentFile[] = ['log', 'index', 'timeindex']
    for (const kind of kinds) await write(files, segmentPath(folder, base, kind), `old ${base}`)
  }
  await files.syncFolder(folder)
}

async function swapIn(files: Files): Promise<void> {
  const swap = { files, folder, base: 5, end: 20 }
  await write(files, cleanedPath(folder, 5), 'new 5')
  await beginSwap(swap)
  await finishSwap(swap)
}

function contentOf(files: Files): string[] {
  return files.list(folder).map(name => {
    const content = files.read(`${folder}/${name}`)?.toString()
    return `${Number.parseInt(name, 10)}.${name.split('.')[1]}: ${content}`
  })
}

const indexed = (base: number): string[] =>
  ['index', 'log', 'timeindex'].map(kind => `${base}.${kind}: old ${base}`)

const swapped = [...indexed(0), '5.log: new 5', ...indexed(20)]
const untouched = [...indexed(0), ...indexed(5), ...indexed(9), ...indexed(20)]

test('a swap is there as a whole or not at all after a crash at any point of it or of its recovery', async () => {
  const seen = new Set<string>()
  for (let seed = 0; seed < 1500; seed++) {
    const sim = simulate({ seed })
    const machine = sim.machine('broker')
    await sim.run(prepare(machine.platform.files))
    let left = seed % 25
    machine.onOperation = () => {
      if (left-- !== 0) return
      if (seed % 4 === 0) machine.kill()
      else machine.crash()
    }
    /** Whether it ended before the machine stopped. */
    const isDone = async (work: Promise<void>): Promise<boolean> => {
      let ended = false
      const end = (): void => {
        ended = true
      }
      work.then(end, end)
      await sim.run(() => ended || !machine.isRunning)
      return machine.isRunning
    }
    if (await isDone(swapIn(machine.platform.files))) machine.crash()
    left = seed % 7
    if (await isDone(recoverSwaps(machine.restart().files, folder))) machine.crash()
    machine.onOperation = undefined
    const { files } = machine.restart()
    await sim.run(recoverSwaps(files, folder))
    const content = contentOf(files)
    const isSwapped = content.includes('5.log: new 5')
    expect(content, `seed ${seed}`).toEqual(isSwapped ? swapped : untouched)
    seen.add(isSwapped ? 'swapped' : 'untouched')
  }
  expect(seen.size).toBe(2)
})
