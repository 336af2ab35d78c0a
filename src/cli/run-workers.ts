import { join } from 'node:path'
import process from 'node:process'
import type { Logger } from '../logger.ts'
import { startChildProcess } from '../platform/node-child-process.ts'
import type { Platform } from '../platform/platform.ts'
import { appSignals, stopSignal } from './stop-signal.ts'
import { Supervisor, type WorkerEvents, type WorkerProcess } from './supervisor.ts'
import { fromWorkerSchema, type WorkerStart } from './worker-messages.ts'
import { workerLine } from './worker-line.ts'

/**
 * Runs an app in worker processes until a signal, the end of a bounded run, or a failure that a restart does not mend.
 * SIGTTIN adds a worker and SIGTTOU removes one, as with other servers that work in processes.
 */
export async function runWorkers(options: {
  name: string
  workers: number
  /** What each worker is told, with the folder that holds theirs. */
  start: WorkerStart
  platform: Platform
  logger: Logger
}): Promise<void> {
  const { name, workers, platform, logger } = options
  const say = (line: string): boolean => process.stdout.write(`${line}\n`)
  const supervisor = new Supervisor({
    workers,
    start: (worker, events) => startWorker(worker, events, options),
    timers: platform.timers,
    random: platform.random,
    logger,
    onRunning: () => say(`${name} is running in ${workers} workers; Ctrl-C stops it`),
  })
  const [add, remove] = [() => supervisor.add(), () => supervisor.remove()]
  process.on('SIGTTIN', add).on('SIGTTOU', remove)
  const drain = async (): Promise<void> => {
    const signal = await stopSignal({ signals: appSignals, cut: () => supervisor.kill() })
    say(`${signal}: finishing what was begun`)
    supervisor.stop({ forGood: false })
  }
  void drain()
  try {
    const { processed, emitted, isLowerBound } = await supervisor.finished
    const more = isLowerBound ? ', not counting what workers did that were killed' : ''
    say(`${name} stopped: ${processed} records in, ${emitted} records out${more}`)
  } finally {
    process.off('SIGTTIN', add).off('SIGTTOU', remove)
  }
}

function startWorker(
  worker: number,
  events: WorkerEvents,
  { name, start, platform }: { name: string; start: WorkerStart; platform: Platform },
): WorkerProcess {
  const child = startChildProcess(['worker', name, String(worker)], {
    line(stream, line) {
      const { clock } = platform
      process[stream].write(
        workerLine({ worker, stream, line, now: clock.now() }, start.log.format),
      )
    },
    message(message) {
      const { data } = fromWorkerSchema.safeParse(message)
      // Other messages are the app's, which may tell whoever started it that it is ready.
      if (data !== undefined) events.message(data)
    },
    ended: end => events.ended(end),
  })
  child.send({
    ...start,
    stateFolder: workerFolder(start.stateFolder, worker),
    applicationServer: workerEndpoint(start.applicationServer, worker),
  })
  return { pid: child.pid, send: message => child.send(message), kill: () => child.kill('SIGKILL') }
}

/** Where a worker answers; port 0 stays, and each takes a free one. */
export function workerEndpoint(first: string | undefined, worker: number): string | undefined {
  if (first === undefined) return undefined
  const at = first.lastIndexOf(':') + 1
  const port = Number(first.slice(at))
  return port === 0 ? first : `${first.slice(0, at)}${port + worker - 1}`
}

/** Identity and state of a worker; who runs alone is worker 1. */
export function workerFolder(folder: string, worker: number): string {
  return join(folder, `worker-${worker}`)
}
