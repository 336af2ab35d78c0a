import { nodeClock } from './node-clock.ts'
import { nodeFiles } from './node-files.ts'
import { nodeRandom } from './node-random.ts'
import { nodeSockets } from './node-sockets.ts'
import { nodeTimers } from './node-timers.ts'
import type { Platform } from './platform.ts'

/**
 * The real platform: Node's clocks, timers, files and TCP sockets, and the operating system's random numbers. It is the
 * default of `startApplication` and `startBroker`; `createLogClient` and `wireConnector` are given it.
 *
 * @example
 * ```ts
 * import { nodePlatform } from 'millrace'
 *
 * const { clock, files } = nodePlatform()
 * clock.now() > Date.UTC(2025) // → true
 * files.list('.') // → []
 * ```
 */
export function nodePlatform(): Platform {
  const clock = nodeClock()
  return {
    clock,
    timers: nodeTimers,
    random: nodeRandom(),
    files: nodeFiles(clock.bootId),
    sockets: nodeSockets,
  }
}
