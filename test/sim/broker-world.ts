import type { Platform } from '../../src/platform/platform.ts'
import type { Machine } from '../../src/platform/simulated/machine.ts'
import { seededRandom } from '../../src/platform/simulated/seeded-random.ts'
import { simulate } from '../../src/platform/simulated/simulation.ts'
import { connect, joinGroup, observe, produce, readLog, type Scene, tail, topic } from './actors.ts'
import { drawFaults, type FaultCounts, letFaultsHappen } from './faults.ts'
import { History } from './history.ts'
import { WatchedBroker } from './watched-broker.ts'

export interface BrokerRun {
  /** The promise that was broken first, as a sentence. */
  readonly violation: string | undefined
  readonly faults: FaultCounts
  /** Records that were acknowledged. */
  readonly acknowledged: number
  readonly virtualMs: number
  readonly traceHash: string
}

/** The faults themselves, which wait until the broker can be hit, take less virtual time than this. */
const faultsLimitMs = 600_000

/** When faults have ended, everything must be done after so many virtual milliseconds. */
const recoveryLimitMs = 300_000

/**
 * One life of a broker between two producers, a reader, a group of two members and an observer, each on a machine of
 * its own. Faults happen while they work; afterwards everything must come to its end by itself, and after a last power
 * loss the log and the committed offsets must be what everybody was told. The seed decides which faults there are, when
 * they come, how slow disk and network are and how the topic is laid out. `wrap` plants a bug.
 */
export async function runBroker(
  seed: number,
  { wrap }: { wrap?: (platform: Platform) => Platform } = {},
): Promise<BrokerRun> {
  const random = seededRandom(seed, 'plan')
  const enabled = drawFaults(random)
  const resets = enabled.includes('reset on the way')
  const simulation = simulate({
    seed,
    resetChance: resets ? random.within({ min: 0.003, max: 0.02 }) : 0,
    syncMs: random.chance(0.3) ? { min: 1, max: 40 } : { min: 0.1, max: 5 },
    networkDelayMs: random.chance(0.3) ? { min: 1, max: 20 } : { min: 0.05, max: 2 },
  })
  const count = 1 + random.below(3)
  const partitions = Array.from({ length: count }, (_, partition) => ({ topic, partition }))
  const history = new History(count)
  const faults: FaultCounts = {}
  const broken = (sentence: string): void => history.broken(sentence)
  const broker = new WatchedBroker(simulation, {
    config: { offsetsTopicNumPartitions: 1 + random.below(2), offsetsTopicSegmentBytes: 2_000 },
    broken,
    ...(wrap === undefined ? {} : { wrap }),
  })
  const on = (machine: Machine): Scene => ({ platform: machine.platform, history, partitions })
  /** Work that nobody waits for until the end. */
  const watch = (name: string, work: Promise<void>): Promise<void> =>
    work.catch((error: unknown) => broken(`${name} failed: ${String(error)}`))

  const resetCount = (): number =>
    simulation.trace.lines.filter(line => line.endsWith('connection breaks')).length

  let faultsOver = false
  let lives = 0
  const producing = new Map<Machine, Promise<void>>()
  const startProducer = (machine: Machine): void => {
    const name = `${machine.name}.${++lives}`
    const goesOn = (): boolean =>
      !faultsOver || history.acknowledgedCount < 100 || (resets && resetCount() === 0)
    const work = produce(on(machine), name, seededRandom(seed, name), goesOn)
    producing.set(machine, watch(name, work))
  }
  const startMember = (machine: Machine): void => void joinGroup(on(machine))
  const restart = async (machine: Machine, start: (machine: Machine) => void): Promise<void> => {
    machine.kill()
    await new Promise<void>(resolve => simulation.after(random.below(100), resolve))
    machine.restart()
    start(machine)
  }
  const producers = ['producer-1', 'producer-2'].map(name => simulation.machine(name))
  const members = ['member-1', 'member-2'].map(name => simulation.machine(name))
  const anyOf = (machines: readonly Machine[]): Machine => {
    const drawn = machines[random.below(machines.length)]
    if (drawn === undefined) throw new Error('There is no machine to choose from')
    return drawn
  }

  async function live(): Promise<void> {
    broker.start()
    await createTopic(simulation.machine('admin').platform, count, random.below(3))
    for (const machine of producers) startProducer(machine)
    for (const machine of members) startMember(machine)
    let readTo: readonly number[] = []
    let isRead = false
    const reading = tail(on(simulation.machine('reader')), positions => {
      readTo = positions
      return isRead
    })
    const done = watch('The reader', reading)
    await letFaultsHappen(
      enabled,
      random,
      {
        simulation,
        broker,
        killProducer: () => restart(anyOf(producers), startProducer),
        killMember: () => restart(anyOf(members), startMember),
      },
      faults,
    )
    faultsOver = true
    simulation.note('the faults are over')
    await Promise.all(producing.values())
    const observer = on(simulation.machine('observer'))
    const caughtUp = (ends: readonly number[], committed: readonly number[]): boolean =>
      ends.every((end, partition) => committed[partition] === end && readTo[partition] === end)
    await observe(observer, caughtUp)
    isRead = true
    await done
    broker.stop('power loss')
    broker.start()
    const late = on(simulation.machine('late reader'))
    await readLog(late)
    await observe(late, () => true)
  }

  try {
    let isOver = false
    const life = watch('The run', live()).finally(() => (isOver = true))
    // Questions are asked while the faults happen, too.
    const asking = observe(on(simulation.machine('asker')), () => faultsOver)
    void watch('The observer', asking)
    const isBroken = (): boolean => history.violation !== undefined
    await simulation.run(() => faultsOver || isBroken(), { maxVirtualMs: faultsLimitMs })
    await simulation.run(() => isOver || isBroken(), { maxVirtualMs: recoveryLimitMs })
    if (!isBroken()) await simulation.run(life)
  } catch (error) {
    broken(error instanceof Error ? error.message : String(error))
  }
  if (resets) faults['reset on the way'] = resetCount()
  for (const kind of enabled) {
    if ((faults[kind] ?? 0) === 0) broken(`The fault "${kind}" was enabled and never happened`)
  }
  return {
    violation: history.violation,
    faults,
    acknowledged: history.acknowledgedCount,
    virtualMs: simulation.nowMs,
    traceHash: simulation.trace.hash,
  }
}

async function createTopic(platform: Platform, partitions: number, size: number): Promise<void> {
  const client = connect(platform)
  const segmentBytes = [2_000, 6_000, 1_000_000][size] ?? 6_000
  await client.createTopics([
    { name: topic, partitions, configs: { 'segment.bytes': String(segmentBytes) } },
  ])
  await client.close()
}
