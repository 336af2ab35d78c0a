import type { Machine } from '../../src/platform/simulated/machine.ts'
import type { SeededRandom } from '../../src/platform/simulated/seeded-random.ts'
import type { Simulation } from '../../src/platform/simulated/simulation.ts'
import { systemError } from '../../src/platform/simulated/system-error.ts'
import type { WatchedBroker } from './watched-broker.ts'

/** What can happen to a broker and its clients. `reset on the way` happens by chance, the others by plan. */
export const faultKinds = [
  'power loss',
  'kill',
  'clean stop',
  'connections break',
  'reset on the way',
  'producer killed',
  'member killed',
  'disk full',
  'failed sync',
  'clock step',
] as const

export type FaultKind = (typeof faultKinds)[number]

/** How often each of the enabled faults has happened. */
export type FaultCounts = Partial<Record<FaultKind, number>>

/** Each seed turns on a part of the faults: some bugs need the absence of others to show. */
export function drawFaults(random: SeededRandom): FaultKind[] {
  const drawn = faultKinds.filter(() => random.chance(0.5))
  return drawn.length > 0 ? drawn : ['power loss']
}

export interface Victims {
  readonly simulation: Simulation
  readonly broker: WatchedBroker
  /** Kills the process of a producer and starts another. */
  readonly killProducer: () => Promise<void>
  readonly killMember: () => Promise<void>
}

/** Lets every planned fault happen one to three times, in a random order and at random times; counts them. */
export async function letFaultsHappen(
  enabled: readonly FaultKind[],
  random: SeededRandom,
  victims: Victims,
  counts: FaultCounts,
): Promise<void> {
  const { simulation, broker } = victims
  const { machine } = broker
  const pause = (min: number, max: number): Promise<void> =>
    new Promise(resolve => simulation.after(random.within({ min, max }), resolve))
  const stopped = async (how: 'power loss' | 'kill'): Promise<void> => {
    // A broker that is on its way up may be hit too: recovery must bear being interrupted.
    while (!machine.isRunning) await pause(1, 10)
    broker.stop(how)
    await pause(0, 200)
    broker.start()
  }
  const listening = async (): Promise<void> => {
    while (!broker.isListening) await pause(1, 10)
  }

  const happen: Record<FaultKind, () => Promise<void>> = {
    'power loss': () => stopped('power loss'),
    kill: () => stopped('kill'),
    'clean stop': async () => {
      await listening()
      await broker.close()
      await pause(0, 200)
      broker.start()
    },
    'connections break': async () => {
      await listening()
      machine.breakConnections()
    },
    'reset on the way': () => Promise.resolve(),
    'producer killed': victims.killProducer,
    'member killed': victims.killMember,
    'disk full': async () => {
      broker.hasDiskFaults = true
      const refused = refuse(machine, ['write', 'makeFolder'], 'ENOSPC')
      while (refused.count === 0) await pause(1, 20)
      await pause(0, 300)
      refused.end()
    },
    'failed sync': async () => {
      broker.hasDiskFaults = true
      const refused = refuse(machine, ['sync', 'syncFolder'], 'EIO', 1)
      while (refused.count === 0) await pause(1, 20)
      refused.end()
    },
    'clock step': () => {
      machine.stepClock(Math.floor(random.within({ min: -3_600_000, max: 3_600_000 })))
      return Promise.resolve()
    },
  }

  const planned = enabled
    .filter(kind => kind !== 'reset on the way')
    .flatMap(kind => Array.from({ length: 1 + random.below(3) }, () => kind))
  for (let left = planned.length; left > 0; left--) {
    await pause(0, [10, 100, 400][random.below(3)] ?? 100)
    const [kind] = planned.splice(random.below(left), 1)
    if (kind === undefined) break
    simulation.note(`fault: ${kind}`)
    await happen[kind]()
    counts[kind] = (counts[kind] ?? 0) + 1
  }
}

/** Lets file operations of these kinds fail, the first `atMost` of them, until `end` is called. */
function refuse(
  machine: Machine,
  kinds: readonly string[],
  code: string,
  atMost = Infinity,
): { count: number; end(): void } {
  const refused = {
    count: 0,
    end() {
      machine.onOperation = undefined
    },
  }
  machine.onOperation = ({ kind }) => {
    if (!kinds.includes(kind) || refused.count >= atMost) return
    refused.count += 1
    throw systemError(code)
  }
  return refused
}
