import { strict as assert } from 'node:assert'
import type { Clock, Platform, Timers } from '../platform.ts'
import { Disk } from './disk.ts'
import type { Network } from './network.ts'
import type { Operation } from './operation.ts'
import { simulatedFiles } from './simulated-files.ts'
import type { Range } from './seeded-random.ts'
import type { Life, World } from './world.ts'

/** A machine with one process on it. Its name is its host name. */
export class Machine {
  readonly name: string
  /**
   * Called before each file operation. It may throw a `systemError`, which makes the operation fail, or stop the
   * machine, which makes this operation and all later ones of the process leave no mark.
   */
  onOperation: ((operation: Operation) => void) | undefined
  readonly #world: World
  readonly #network: Network
  readonly #startMs: number
  readonly #syncMs: Range
  #disk = new Disk()
  #life: Life
  #platform: Platform
  #boots = 1
  #operations = 0
  #clockOffsetMs = 0

  constructor(
    name: string,
    place: { world: World; network: Network; startMs: number; syncMs: Range },
  ) {
    this.name = name
    this.#world = place.world
    this.#network = place.network
    this.#startMs = place.startMs
    this.#syncMs = place.syncMs
    this.#life = this.#world.beginLife(name)
    this.#platform = this.#start()
  }

  /** The platform of the process that runs, or of the last one that did. */
  get platform(): Platform {
    return this.#platform
  }

  get isRunning(): boolean {
    return this.#life.alive
  }

  /** How many file operations there were, over all restarts. */
  get operations(): number {
    return this.#operations
  }

  /**
   * Cuts the power: what was not synced may be lost or torn, the connections break, and the process is never called
   * again. Code of it that is still on the stack runs on in a world of its own and leaves no mark.
   */
  crash(): void {
    this.#stop('crash')
    this.#disk = this.#disk.afterPowerLoss(this.#world.random(`crash ${this.#life.pid}`))
    this.#boots += 1
  }

  /** Ends the process as SIGKILL does: the machine runs on, so no written byte is lost. */
  kill(): void {
    this.#stop('kill')
    this.#disk = this.#disk.copy()
  }

  /** Starts the next process on what `crash` or `kill` left, and returns its platform. */
  restart(): Platform {
    assert(!this.#life.alive, 'A machine is stopped before it is started again')
    this.#life = this.#world.beginLife(this.name)
    this.#world.record(this.name, `restart as ${this.#life.pid}`)
    this.#platform = this.#start()
    return this.#platform
  }

  /** Breaks every open connection of the process, at both ends. */
  breakConnections(): void {
    this.#world.record(this.name, 'connections break')
    this.#network.breakConnections(this.#life)
  }

  /** Sets the wall clock forward or back; the monotonic clock stays. */
  stepClock(byMs: number): void {
    this.#clockOffsetMs += byMs
    this.#world.record(this.name, `clock steps by ${byMs} ms`)
  }

  #stop(how: string): void {
    assert(this.#life.alive, 'A machine that stands still cannot be stopped')
    this.#world.record(this.name, how)
    this.#world.endLife(this.#life)
    this.#network.processEnded(this.#life)
  }

  #start(): Platform {
    const [world, life] = [this.#world, this.#life]
    return {
      clock: this.#clock(),
      timers: timersOf(world, life),
      random: world.random(`process ${life.pid}`),
      files: simulatedFiles({
        world,
        life,
        disk: this.#disk,
        syncMs: this.#syncMs,
        begin: (kind, path, detail) => {
          this.#operations += 1
          world.record(this.name, `${kind} ${path}${detail && ` ${detail}`}`)
          this.onOperation?.({ number: this.#operations, kind, path })
        },
      }),
      sockets: this.#network.socketsOf(life),
    }
  }

  #clock(): Clock {
    const world = this.#world
    // Looking at a clock takes a microsecond, so that work which goes on until a deadline comes to its end.
    const look = (): number => {
      world.spend(0.001)
      return world.nowMs
    }
    return {
      now: () => Math.floor(this.#startMs + this.#clockOffsetMs + look()),
      monotonic: look,
      bootId: `${this.name}-boot-${this.#boots}`,
    }
  }
}

function timersOf(world: World, life: Life): Timers {
  return {
    schedule(delayMs, callback) {
      assert(!Number.isNaN(delayMs), 'A delay is a number of milliseconds')
      return { cancel: world.after(Math.max(0, delayMs), life, callback) }
    },
    yield: () => new Promise(resolve => void world.after(0, life, resolve)),
  }
}
