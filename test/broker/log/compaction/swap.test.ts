import { expect, test } from 'vitest'
import { simulate } from '../../../../src/platform/simulated/simulation.ts'
import type { Files } from '../../../../src/platform/platform.ts'
import {
  beginSwap,
  cleanedAbortedPath,
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
async function prepare(files: Files, hasAborted: boolean): Promise<void> {
  files.makeFolder(folder)
  await files.syncFolder('/')
  for (const base of bases) {
    const kinds: SegmentFile[] = ['log', 'index', 'timeindex']
    // The first of those that are replaced has none.
    if (hasAborted && base !== 5) kinds.push('txnindex')
    for (const kind of kinds) await write(files, segmentPath(folder, base, kind), `old ${base}`)
  }
  await files.syncFolder(folder)
}

async function swapIn(files: Files, hasAborted: boolean): Promise<void> {
  const swap = { files, folder, base: 5, end: 20 }
  await write(files, cleanedPath(folder, 5), 'new 5')
  if (hasAborted) await files.replace(cleanedAbortedPath(folder, 5), Buffer.from('new 5'))
  await beginSwap(swap)
  await finishSwap(swap)
}

function contentOf(files: Files): string[] {
  return files.list(folder).map(name => {
    const content = files.read(`${folder}/${name}`)?.toString()
    return `${Number.parseInt(name, 10)}.${name.split('.')[1]}: ${content}`
  })
}

const indexed = (base: number, hasAborted: boolean): string[] =>
  ['index', 'log', 'timeindex', ...(hasAborted && base !== 5 ? ['txnindex'] : [])].map(
    kind => `${base}.${kind}: old ${base}`,
  )

test.each([
  ['', false],
  [' with its list of aborted transactions', true],
])(
  'a swap%s is there as a whole or not at all after a crash at any point of it or of its recovery',
  async (_, has) => {
    const [first, second, third, fourth] = bases.map(base => indexed(base, has))
    const replacement = has ? ['5.log: new 5', '5.txnindex: new 5'] : ['5.log: new 5']
    const swapped = [first, replacement, fourth].flat()
    const untouched = [first, second, third, fourth].flat()
    const seen = new Set<string>()
    for (let seed = 0; seed < 1500; seed++) {
      const sim = simulate({ seed })
      const machine = sim.machine('broker')
      await sim.run(prepare(machine.platform.files, has))
      let left = seed % 35
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
      if (await isDone(swapIn(machine.platform.files, has))) machine.crash()
      left = seed % 9
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
  },
)
