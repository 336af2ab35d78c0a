import * as fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import { failuresToGiveUp, wellAfterMs } from '../../src/cli/restart-policy.ts'
import { Supervisor, type WorkDone, type WorkerEvents } from '../../src/cli/supervisor.ts'
import type { FromWorker, ToWorker } from '../../src/cli/worker-messages.ts'
import { silentLogger } from '../../src/logger.ts'
import type { ChildEnd } from '../../src/platform/node-child-process.ts'
import { VirtualPlatform } from '../client/virtual-platform.ts'

/** A process that only notes what it is told. */
interface FakeProcess extends WorkerEvents {
  readonly worker: number
  readonly told: ToWorker[]
  killed: boolean
  alive: boolean
}

const killed: ChildEnd = { signal: 'SIGKILL' }
const failed = (code: string): FromWorker => ({
  kind: 'failed',
  code,
  message: `It is ${code}.`,
  stopsAll: false,
})

let platform: VirtualPlatform
let processes: FakeProcess[]
let timesRunning: number
beforeEach(() => {
  platform = new VirtualPlatform()
  processes = []
  timesRunning = 0
})

function supervise(workers: number): Supervisor {
  const supervisor = new Supervisor({
    workers,
    start(worker, events) {
      const child: FakeProcess = {
        worker,
        told: [],
        killed: false,
        alive: true,
        message: message => events.message(message),
        ended(end) {
          child.alive = false
          events.ended(end)
        },
      }
      expect(alive(worker)).toEqual([])
      processes.push(child)
      return {
        pid: 1000 + processes.length,
        send: message => void child.told.push(message),
        kill: () => void (child.killed = true),
      }
    },
    timers: platform.timers,
    random: platform.random,
    logger: silentLogger,
    onRunning: () => void timesRunning++,
  })
  supervisor.finished.catch(() => {})
  return supervisor
}

const alive = (worker: number): FakeProcess[] =>
  processes.filter(child => child.worker === worker && child.alive)

function running(worker: number): FakeProcess {
  const [child] = alive(worker)
  if (child === undefined) throw new Error(`worker ${worker} has no process`)
  return child
}

/** What `finished` is now. */
async function settled(supervisor: Supervisor): Promise<WorkDone | Error | 'not yet'> {
  let outcome: WorkDone | Error | 'not yet' = 'not yet'
  const note = (settledAs: WorkDone | Error): void => void (outcome = settledAs)
  supervisor.finished.then(note, note)
  await platform.pass(0)
  return outcome
}

describe('restarts', () => {
  test('a worker that was killed starts anew after a moment, under its number, and no other', async () => {
    supervise(3)
    running(2).ended(killed)
    expect(alive(2)).toEqual([])
    await platform.pass(240)
    expect(processes.map(({ worker }) => worker)).toEqual([1, 2, 3, 2])
  })

  test('who is killed again and again comes back at once each time', async () => {
    supervise(1)
    for (let kills = 1; kills <= 50; kills++) {
      running(1).ended(killed)
      await platform.pass(240)
      expect(processes).toHaveLength(kills + 1)
    }
  })

  test('who fails again and again is waited for twice as long each time, then given up with all others', async () => {
    const supervisor = supervise(2)
    const pauses: number[] = []
    for (let failures = 1; failures < failuresToGiveUp; failures++) {
      running(1).message(failed('PROCESSING_ERROR'))
      running(1).ended({ code: 1 })
      const before = platform.nowMs
      while (alive(1).length === 0) await platform.pass(10)
      pauses.push(platform.nowMs - before)
    }
    for (const [index, pause] of pauses.entries()) {
      expect(pause / (200 * 2 ** index)).toBeGreaterThan(0.79)
      expect(pause / (200 * 2 ** index)).toBeLessThan(1.26)
    }
    expect(running(2).told).toEqual([])
    running(1).ended({ code: 7 })
    expect(running(2).told).toEqual([{ kind: 'stop', forGood: true }])
    running(2).ended({ code: 0 })
    expect(await settled(supervisor)).toMatchObject({
      code: 'WORKER_FAILED',
      message:
        'Worker 1 failed 8 times in a row, the last time because it ended with exit code 7. All workers were stopped.',
    })
  })

  test('failures that pass by themselves are waited out', async () => {
    supervise(1)
    for (let failures = 1; failures <= 100; failures++) {
      running(1).message(failed('CONNECTION_LOST'))
      running(1).ended({ code: 1 })
      await platform.pass(36_000)
      expect(processes).toHaveLength(failures + 1)
    }
  })

  test('failures are forgotten when the worker has run well for a minute', async () => {
    supervise(1)
    for (let failures = 1; failures <= 20; failures++) {
      running(1).message({ kind: 'running' })
      await platform.pass(wellAfterMs)
      running(1).ended({ code: 1 })
      await platform.pass(240)
      expect(processes).toHaveLength(failures + 1)
    }
  })

  test.each(['MISSING_TOPIC', 'INVALID_TOPOLOGY', 'INVALID_CONFIG'])(
    'what a restart does not mend stops all at once and is said once: %s',
    async code => {
      const supervisor = supervise(3)
      running(2).message(failed(code))
      running(2).ended({ code: 2 })
      for (const worker of [1, 3]) {
        expect(running(worker).told).toHaveLength(1)
        running(worker).message(failed(code))
        running(worker).ended({ code: 2 })
      }
      expect(await settled(supervisor)).toMatchObject({ code, message: `It is ${code}.` })
      await platform.pass(100_000)
      expect(processes).toHaveLength(3)
    },
  )

  test('who tells that all instances stop is not started anew, and all others stop for good', async () => {
    const supervisor = supervise(3)
    const asked: FromWorker = {
      kind: 'failed',
      code: 'SHUTDOWN_REQUESTED',
      message: 'All stop.',
      stopsAll: true,
    }
    running(2).message(asked)
    running(2).ended({ code: 1 })
    for (const worker of [1, 3]) {
      expect(running(worker).told).toEqual([{ kind: 'stop', forGood: true }])
      running(worker).message(asked)
      running(worker).ended({ code: 1 })
    }
    expect(await settled(supervisor)).toMatchObject({ code: 'SHUTDOWN_REQUESTED' })
    await platform.pass(100_000)
    expect(processes).toHaveLength(3)
  })

  test('a process that the system does not start is tried again', async () => {
    supervise(1)
    running(1).ended({ error: new Error('spawn EAGAIN') })
    await platform.pass(240)
    expect(processes).toHaveLength(2)
  })
})

describe('the first time that all run', () => {
  test('is told once', async () => {
    supervise(2)
    running(1).message({ kind: 'running' })
    expect(timesRunning).toBe(0)
    running(2).message({ kind: 'running' })
    expect(timesRunning).toBe(1)
    running(2).ended(killed)
    await platform.pass(240)
    running(2).message({ kind: 'running' })
    expect(timesRunning).toBe(1)
  })
})

describe('adding and removing workers', () => {
  test('the one with the highest number leaves for good, and its folder is used again', async () => {
    const supervisor = supervise(2)
    supervisor.add()
    expect(supervisor.workers).toEqual([1, 2, 3])
    supervisor.remove()
    expect(running(3).told).toEqual([{ kind: 'stop', forGood: true }])
    expect(supervisor.workers).toEqual([1, 2])
    // While the third finishes, its folder is not free.
    supervisor.add()
    expect(supervisor.workers).toEqual([1, 2, 4])
    running(3).ended({ code: 0 })
    supervisor.add()
    expect(supervisor.workers).toEqual([1, 2, 3, 4])
    expect(await settled(supervisor)).toBe('not yet')
  })

  test('the last one stays', () => {
    const supervisor = supervise(1)
    supervisor.remove()
    expect(supervisor.workers).toEqual([1])
    expect(running(1).told).toEqual([])
  })

  test('one that waits for its restart does not come back', async () => {
    const supervisor = supervise(2)
    running(2).ended(killed)
    supervisor.remove()
    await platform.pass(100_000)
    expect(processes).toHaveLength(2)
    expect(supervisor.workers).toEqual([1])
  })
})

describe('stopping', () => {
  test('all are asked to finish; what they did is summed up', async () => {
    const supervisor = supervise(2)
    supervisor.stop({ forGood: false })
    for (const worker of [1, 2]) {
      expect(running(worker).told).toEqual([{ kind: 'stop', forGood: false }])
      running(worker).message({ kind: 'stopped', processed: 10, emitted: worker })
    }
    running(1).ended({ code: 0 })
    expect(await settled(supervisor)).toBe('not yet')
    running(2).ended({ code: 0 })
    expect(await settled(supervisor)).toEqual({ processed: 20, emitted: 3, isLowerBound: false })
    expect(platform.pendingTimers).toBe(0)
  })

  test('nobody is started any more', async () => {
    const supervisor = supervise(2)
    running(1).ended(killed)
    supervisor.stop({ forGood: false })
    supervisor.add()
    running(2).ended({ code: 0 })
    expect(await settled(supervisor)).toMatchObject({ isLowerBound: true })
    await platform.pass(100_000)
    expect(processes).toHaveLength(2)
  })

  test('who does not finish in time is killed, and that is told', async () => {
    const supervisor = supervise(2)
    supervisor.stop({ forGood: false })
    running(1).ended({ code: 0 })
    await platform.pass(29_999)
    expect(running(2).killed).toBe(false)
    await platform.pass(1)
    expect(running(2).killed).toBe(true)
    running(2).ended(killed)
    expect(await settled(supervisor)).toMatchObject({
      code: 'WORKER_FAILED',
      message: expect.stringMatching(
        /^Worker 2 did not stop in good order, because it was ended by SIGKILL\./,
      ),
    })
  })

  test('a bounded run ends with the first that sees the end, for all', async () => {
    const supervisor = supervise(2)
    running(2).message({ kind: 'reachedEnd' })
    for (const worker of [1, 2]) {
      expect(running(worker).told).toEqual([{ kind: 'stop', forGood: true }])
      running(worker).message({ kind: 'stopped', processed: 5, emitted: 0 })
      running(worker).ended({ code: 0 })
    }
    expect(await settled(supervisor)).toMatchObject({ processed: 10 })
  })
})

test('whatever happens: a folder has one process at a time, a stop ends all, and nothing starts after it', async () => {
  const happening = fc.constantFrom('killed', 'failed', 'ended', 'running', 'add', 'remove', 'wait')
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(happening, fc.nat()), { maxLength: 60 }), async events => {
      platform = new VirtualPlatform()
      processes = []
      const supervisor = supervise(3)
      for (const [kind, choice] of events) {
        const candidates = processes.filter(child => child.alive)
        const child = candidates[choice % Math.max(candidates.length, 1)]
        if (kind === 'add') supervisor.add()
        else if (kind === 'remove') supervisor.remove()
        else if (kind === 'wait') await platform.pass(choice % 50_000)
        else if (kind === 'running') child?.message({ kind: 'running' })
        else if (kind === 'killed') child?.ended(killed)
        else if (kind === 'ended') child?.ended({ code: 0 })
        else child?.ended({ code: 1 })
      }
      supervisor.stop({ forGood: false })
      const started = processes.length
      for (const child of processes) {
        if (!child.alive) continue
        expect(child.told).toHaveLength(1)
        child.ended({ code: 0 })
      }
      expect(await settled(supervisor)).not.toBe('not yet')
      await platform.pass(100_000)
      expect(processes).toHaveLength(started)
      expect(platform.pendingTimers).toBe(0)
    }),
    { numRuns: 200 },
  )
})
