import { strict as assert } from 'node:assert'
import { Machine } from './machine.ts'
import { Network } from './network.ts'
import type { Range } from './seeded-random.ts'
import type { Trace } from './trace.ts'
import { World } from './world.ts'

export interface SimulationOptions {
  /** Decides everything that is left to chance. */
  readonly seed: number
  /** Wall-clock time at which the simulation starts, in milliseconds since the epoch. @defaultValue 2024-01-01 UTC */
  readonly startMs?: number
  /** How many virtual milliseconds a sync takes. @defaultValue 0.1 to 5 */
  readonly syncMs?: Range
  /** How many virtual milliseconds bytes are on their way. @defaultValue 0.05 to 2 */
  readonly networkDelayMs?: Range
  /** How probable it is for each piece of bytes on its way that its connection breaks instead. @defaultValue 0 */
  readonly resetChance?: number
}

/**
 * Several machines in one process, on one virtual clock, from one seed. Whatever they do, through their platforms, they
 * do again in another run with the same seed; `trace` shows it. Code that waits for anything but a platform (a real
 * file, a real timer, a thread pool) has no place in here.
 */
export interface Simulation {
  readonly seed: number
  /** Virtual milliseconds since the start. */
  readonly nowMs: number
  /** What happened so far: file operations, bytes received, crashes, notes. */
  readonly trace: Trace
  /** The machine of that name; it starts with an empty disk and a running process when it is first asked for. */
  machine(name: string): Machine
  /** Adds a line to the trace. */
  note(text: string): void
  /** Runs `action` after a virtual time, for instance a crash; it belongs to no machine. */
  after(delayMs: number, action: () => void): void
  /**
   * Lets events happen, one after another, until the promise settles or the condition is true; gives the value of the
   * promise. Throws what an event throws, and a sentence with the seed when nothing is left that could happen or
   * `maxVirtualMs` have passed.
   */
  run<Value>(until: Promise<Value>, limits?: RunLimits): Promise<Value>
  run(until: () => boolean, limits?: RunLimits): Promise<void>
}

export interface RunLimits {
  /** How much virtual time may pass. @defaultValue one day */
  readonly maxVirtualMs?: number
}

/** Begins a simulation; nothing happens in it before `run`. */
export function simulate(options: SimulationOptions): Simulation {
  const world = new World(options.seed)
  const machines = new Map<string, Machine>()
  const network = new Network(
    {
      world,
      random: world.random('network'),
      delayMs: options.networkDelayMs ?? { min: 0.05, max: 2 },
      resetChance: options.resetChance ?? 0,
    },
    host => machines.has(host),
  )
  const startMs = options.startMs ?? Date.UTC(2024, 0, 1)
  const syncMs = options.syncMs ?? { min: 0.1, max: 5 }
  let running = false

  async function runUntil(
    isDone: () => boolean,
    { maxVirtualMs = 24 * 60 * 60 * 1000 }: RunLimits,
  ): Promise<void> {
    assert(!running, 'A simulation runs once at a time')
    running = true
    try {
      const limitMs = world.nowMs + maxVirtualMs
      for (;;) {
        await microtasks()
        if (isDone()) return
        if (!world.step(limitMs)) throw new Error(whyStuck(world, maxVirtualMs))
      }
    } finally {
      running = false
    }
  }

  async function runUntilSettled<Value>(until: Promise<Value>, limits: RunLimits): Promise<Value> {
    let settled = false
    const settle = (): void => {
      settled = true
    }
    until.then(settle, settle)
    await runUntil(() => settled, limits)
    return until
  }

  function run<Value>(until: Promise<Value>, limits?: RunLimits): Promise<Value>
  function run(until: () => boolean, limits?: RunLimits): Promise<void>
  function run(
    until: Promise<unknown> | (() => boolean),
    limits: RunLimits = {},
  ): Promise<unknown> {
    return typeof until === 'function' ? runUntil(until, limits) : runUntilSettled(until, limits)
  }

  return {
    seed: options.seed,
    get nowMs() {
      return world.nowMs
    },
    trace: world.trace,

    machine(name) {
      const known = machines.get(name)
      if (known !== undefined) return known
      const machine = new Machine(name, { world, network, startMs, syncMs })
      machines.set(name, machine)
      return machine
    },

    note: text => world.record('note', text),
    after: (delayMs, action) => void world.after(delayMs, undefined, action),
    run,
  }
}

/**
 * Between two events every promise that can settle does: Node empties the queue of microtasks before it calls the next
 * immediate, however long the chains are.
 */
function microtasks(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}

function whyStuck(world: World, maxVirtualMs: number): string {
  const reason = world.isStill
    ? 'Nothing is left that could happen, and what the run waits for has not happened'
    : `What the run waits for has not happened within ${maxVirtualMs} virtual ms`
  const latest = world.trace.lines.slice(-8).map(line => `\n  ${line}`)
  return `${reason} (seed ${world.seed}, virtual time ${world.nowMs.toFixed(3)} ms). The latest events:${latest.join('')}`
}
