import { join, resolve } from 'node:path'
import process from 'node:process'
import { Command } from 'commander'
import { nodePlatform } from '../../platform/node-platform.ts'
import {
  addConnectionOptions,
  connectionOf,
  type ConnectionOptions,
} from '../connection-options.ts'
import { openClient } from '../connection-settings.ts'
import { loadApp } from '../load-app.ts'
import { parseCount, parseEndpoint } from '../options.ts'
import { runApplication } from '../run-application.ts'
import { runWorkers, workerFolder } from '../run-workers.ts'
import {
  addLogOptions,
  type LogOptions,
  logSettings,
  standardErrorLogger,
} from '../standard-error-logger.ts'
import { startInstance } from '../start-instance.ts'

interface Options extends ConnectionOptions, LogOptions {
  readonly workers?: number
  readonly state: string
  readonly untilEnd?: true
  readonly http?: string
  readonly stayInGroup?: true
}

/** `millrace run <app> --brokers …`: an app against brokers that are already there, in this process or in several. */
export function runCommand(): Command {
  const command = new Command('run')
    .description('run an app against a broker or an Apache Kafka cluster')
    .argument('<app>', 'app module, such as examples/flights/app.ts')
    .option(
      '--workers <n>',
      'work in so many processes, which are started anew when they end (default: in this one)',
      parseCount,
    )
    .option('--state <folder>', 'folder for the state of this machine’s workers', '.millrace/state')
    .option(
      '--http <host:port>',
      'answer health checks and queries there; of several workers the second has the next port, and so on',
      parseEndpoint,
    )
    .option('--until-end', 'stop when the input that is there now has been processed')
    .option(
      '--stay-in-group',
      'stopped by a signal, keep the place in the group for a restart within 45 s (default: leave, and others take over at once)',
    )
    .addHelpText(
      'after',
      '\nExit codes: 0 stopped in order, 1 failed, 2 called wrongly, 130 cut by a second signal.',
    )
    .action(run)
  return addLogOptions(addConnectionOptions(command))
}

async function run(path: string, options: Options): Promise<void> {
  const platform = nodePlatform()
  const connection = connectionOf(options, platform.files)
  const app = await loadApp(path, platform)
  // First, so that a mistake in it is told once, and before anything has begun.
  app.compile()
  const log = logSettings(options)
  const logger = standardErrorLogger(platform, log.level, log.format)
  const { name } = app
  const untilEnd = options.untilEnd === true
  const stayInGroup = options.stayInGroup === true
  const stateFolder = join(resolve(process.cwd(), options.state), name)
  if (options.workers === undefined) {
    const folder = workerFolder(stateFolder, 1)
    const applicationServer = options.http
    const settings = { connection, stateFolder: folder, platform, logger, applicationServer }
    const { application, close } = await startInstance(app, settings)
    try {
      await runApplication(application, { untilEnd, stayInGroup })
    } finally {
      await close()
    }
    return
  }
  // Workers wait for brokers that are away; at the start it is a wrong address.
  await (await openClient(connection, { platform, clientId: name, logger })).close()
  const start = {
    kind: 'start',
    app: resolve(process.cwd(), path),
    connection,
    stateFolder,
    untilEnd,
    stayInGroup,
    log,
    applicationServer: options.http,
  } as const
  await runWorkers({ name, workers: options.workers, start, platform, logger })
}
