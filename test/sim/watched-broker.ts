import { type RunningBroker, startBroker } from '../../src/broker/start-broker.ts'
import type { BrokerConfig } from '../../src/broker/config.ts'
import type { ListenerConfig } from '../../src/broker/listener-config.ts'
import { MillraceError } from '../../src/errors.ts'
import type { Logger } from '../../src/logger.ts'
import type { Platform } from '../../src/platform/platform.ts'
import type { Machine } from '../../src/platform/simulated/machine.ts'
import type { Simulation } from '../../src/platform/simulated/simulation.ts'

export const brokerAddress = { host: 'broker', port: 9092 }
const folder = '/var/lib/millrace'

export interface WatchedBrokerOptions {
  readonly config?: Partial<BrokerConfig>
  /** Listeners instead of the one that clients of the simulation come in through; name that one too. */
  readonly listeners?: readonly ListenerConfig[]
  /** What stands between the broker and its machine: a planted bug. */
  readonly wrap?: (platform: Platform) => Platform
  /** Told of everything that must not happen to a broker, in a sentence. */
  readonly broken: (sentence: string) => void
}

/**
 * A broker on a machine of its own, under an operator who reads its log: when it asks for a restart, or did not start
 * because of a disk that failed, he restarts it a little later. Where no disk failed, an error in the log is a broken
 * promise.
 */
export class WatchedBroker {
  readonly machine: Machine
  /** Set while, and as long after, disk faults explain errors in the log. */
  hasDiskFaults = false
  readonly #simulation: Simulation
  readonly #options: WatchedBrokerOptions
  #broker: RunningBroker | undefined
  #started: Platform | undefined
  #isClosing = false
  #ended: () => void = () => {}

  constructor(simulation: Simulation, options: WatchedBrokerOptions) {
    this.#simulation = simulation
    this.#options = options
    this.machine = simulation.machine(brokerAddress.host)
  }

  /** Whether it takes requests. */
  get isListening(): boolean {
    return this.#broker !== undefined
  }

  /** Starts the process unless it runs. What becomes of it shows in `isListening`. */
  start(): void {
    if (!this.machine.isRunning) this.machine.restart()
    if (this.#started === this.machine.platform) return
    this.#started = this.machine.platform
    const { config, listeners, wrap = platform => platform } = this.#options
    const platform = wrap(this.machine.platform)
    const options = {
      platform,
      data: folder,
      logger: this.#logger(),
      ...(config === undefined ? {} : { config }),
      ...(listeners === undefined ? brokerAddress : { listeners }),
    }
    void this.#boot(startBroker(options))
  }

  async #boot(starting: Promise<RunningBroker>): Promise<void> {
    try {
      this.#broker = await starting
    } catch (error) {
      const isDisk = error instanceof MillraceError && error.code === 'FILE_ERROR'
      if (isDisk && this.hasDiskFaults) this.#restartSoon()
      else this.#options.broken(`The broker does not start: ${String(error)}`)
    }
  }

  /** The process ends, one way or the other; nothing happens when there is none. */
  stop(how: 'power loss' | 'kill'): void {
    this.#broker = undefined
    if (!this.machine.isRunning) return
    if (how === 'kill') this.machine.kill()
    else this.machine.crash()
    this.#ended()
  }

  /** Stops it in good order, unless it is stopped in another way before. */
  async close(): Promise<void> {
    const broker = this.#broker
    if (broker === undefined) return
    this.#broker = undefined
    this.#isClosing = true
    const { promise: ended, resolve } = Promise.withResolvers<void>()
    this.#ended = resolve
    const { platform } = this.machine
    try {
      await Promise.race([broker.close(), ended])
    } catch (error) {
      if (!this.hasDiskFaults) this.#options.broken(`The broker does not close: ${String(error)}`)
    }
    this.#isClosing = false
    if (platform === this.machine.platform) this.stop('kill')
  }

  #restartSoon(): void {
    const { platform } = this.machine
    this.#simulation.after(100, () => {
      if (this.#isClosing || platform !== this.machine.platform || !this.machine.isRunning) return
      this.stop('kill')
      this.start()
    })
  }

  #logger(): Logger {
    const ignore = (): void => {}
    return {
      debug: ignore,
      info: ignore,
      warn: ignore,
      error: (_, message) => {
        if (!this.hasDiskFaults || message.includes('is damaged')) {
          this.#options.broken(`The broker reports an error: ${message}`)
        } else if (message.includes('restart the broker')) this.#restartSoon()
      },
    }
  }
}
