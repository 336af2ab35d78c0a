import process from 'node:process'
import { Command } from 'commander'
import { resolveStreamsConfig } from '../../dsl/streams-config.ts'
import { MillraceError } from '../../errors.ts'
import { nodePlatform } from '../../platform/node-platform.ts'
import type { Application } from '../../runtime/application.ts'
import { exitCodeOf } from '../exit-code.ts'
import { loadApp } from '../load-app.ts'
import { standardErrorLogger } from '../standard-error-logger.ts'
import { startInstance } from '../start-instance.ts'
import { appSignals } from '../stop-signal.ts'
import {
  failedMessage,
  type FromWorker,
  type ToWorker,
  toWorkerSchema,
  type WorkerStart,
} from '../worker-messages.ts'

type Stop = Extract<ToWorker, { kind: 'stop' }>

/**
 * One worker process of `millrace run --workers`, which starts it, says what to run (passwords would be seen among the
 * arguments), and hears what becomes of it. It outlives nobody: when its supervisor dies, it finishes what it has begun.
 */
export function workerCommand(): Command {
  return new Command('worker')
    .description('a worker process of millrace run; nothing else starts it')
    .argument('<name>', 'application, for who lists the processes')
    .argument('<number>', 'number of the worker, likewise')
    .action(async () => {
      if (!process.connected) {
        throw new MillraceError(
          'INVALID_CONFIG',
          'millrace worker is started by millrace run --workers, and cannot be called otherwise.',
        )
      }
      let exitCode = 0
      let stopsAll = false
      try {
        await work(() => {
          stopsAll = true
        })
      } catch (error) {
        await tell(failedMessage(error, { stopsAll }))
        exitCode = exitCodeOf(error)
      }
      // What the app's module keeps open must not keep a worker that has stopped.
      process.exit(exitCode)
    })
}

/** `onStopAll` is called when the app's handler of uncaught errors says that all instances are to stop. */
async function work(onStopAll: () => void): Promise<void> {
  const supervisor = listen()
  const { app: path, untilEnd, stayInGroup, log, ...settings } = await supervisor.start
  const platform = nodePlatform()
  const logger = standardErrorLogger(platform, log.level, log.format)
  const starting = loadApp(path, platform).then(app =>
    startInstance(app, {
      ...settings,
      platform,
      logger,
      uncaughtExceptionHandler(error) {
        const response = resolveStreamsConfig(app.streamsConfig).uncaughtExceptionHandler(error)
        if (response === 'stopAll') onStopAll()
        return response
      },
      onState: state => {
        if (state === 'RUNNING') void tell({ kind: 'running' })
      },
    }),
  )
  const instance = await Promise.race([starting, supervisor.stop.then(() => undefined)])
  // Nothing has been begun that had to be finished.
  if (instance === undefined) return tell({ kind: 'stopped', processed: 0, emitted: 0 })
  const { application, close } = instance
  let leaveGroup = true
  try {
    const { finished } = application
    const stopped = await Promise.race([
      supervisor.stop,
      untilEnd ? reachEnd(application, supervisor.stop) : finished,
    ])
    leaveGroup = !stayInGroup || stopped?.forGood !== false
  } finally {
    await application.close({ leaveGroup })
  }
  const { processed, emitted } = application.metrics()
  await close()
  await tell({ kind: 'stopped', processed, emitted })
}

/** The supervisor hears of the end, and has all workers stop. */
async function reachEnd(application: Application, stop: Promise<Stop>): Promise<Stop> {
  await application.untilEnd()
  await tell({ kind: 'reachedEnd' })
  return stop
}

/** What the supervisor asks for. Its death asks to stop, and so do signals, which a terminal sends to both. */
function listen(): { start: Promise<WorkerStart>; stop: Promise<Stop> } {
  // Nobody reads what is written after the supervisor's death, and that is no reason to lose a commit.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
  const start = Promise.withResolvers<WorkerStart>()
  const stop = Promise.withResolvers<Stop>()
  process.on('message', message => {
    const told = toWorkerSchema.parse(message)
    if (told.kind === 'start') start.resolve(told)
    else stop.resolve(told)
  })
  const stopHere = (): void => stop.resolve({ kind: 'stop', forGood: false })
  process.once('disconnect', stopHere)
  for (const signal of appSignals) process.on(signal, stopHere)
  return { start: start.promise, stop: stop.promise }
}

/** Resolves when the message is on its way; a supervisor that is gone needs none. */
function tell(message: FromWorker): Promise<void> {
  return new Promise(resolve => {
    if (process.send === undefined || !process.connected) resolve()
    else process.send(message, () => resolve())
  })
}
