import { workerData } from 'node:worker_threads'
import { MillraceError } from '../../src/errors.ts'
import { nodePlatform } from '../../src/platform/node-platform.ts'

export interface LockRace {
  readonly folders: readonly string[]
  readonly takers: number
  /** Counts arrivals, so that all takers begin with a folder at the same moment. */
  readonly gate: Int32Array
  /** For each folder, how many takers got its lock. */
  readonly takenBy: Int32Array
}

const { folders, takers, gate, takenBy }: LockRace = workerData
const { files } = nodePlatform()

function waitForAll(round: number): void {
  const goal = takers * (round + 1)
  if (Atomics.add(gate, 0, 1) + 1 === goal) Atomics.notify(gate, 0)
  for (let arrived = Atomics.load(gate, 0); arrived < goal; arrived = Atomics.load(gate, 0)) {
    Atomics.wait(gate, 0, arrived)
  }
}

for (const [round, folder] of folders.entries()) {
  waitForAll(round)
  try {
    files.lock(folder)
    Atomics.add(takenBy, round, 1)
  } catch (error) {
    if (!(error instanceof MillraceError) || error.code !== 'FOLDER_LOCKED') throw error
  }
}
