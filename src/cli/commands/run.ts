import { join, resolve } from 'node:path'
import process from 'node:process'
import { Command } from 'commander'
import { createLogClient } from '../../client/kafka-client.ts'
import { wireConnector } from '../../client/wire-connection.ts'
import { jsonLogger } from '../../logger.ts'
import { nodePlatform } from '../../platform/node-platform.ts'
import type { Address } from '../../platform/platform.ts'
import { startApplication } from '../../runtime/application.ts'
import { loadApp } from '../load-app.ts'
import { parseBrokers } from '../options.ts'
import { runApplication } from '../run-application.ts'

interface Options {
  readonly brokers: Address[]
  readonly state: string
  readonly untilEnd?: boolean
}

/** `millrace run <app> --brokers …`: one instance of an app against brokers that are already there. */
export function runCommand(): Command {
  return new Command('run')
    .description('run an app against a broker or an Apache Kafka cluster')
    .argument('<app>', 'app module, such as examples/flights/app.ts')
    .requiredOption('--brokers <host:port,…>', 'brokers to find the cluster by', parseBrokers)
    .option(
      '--state <folder>',
      'folder for state stores, one folder per instance',
      '.millrace/state',
    )
    .option('--until-end', 'stop when the input that is there now has been processed')
    .action(async (path: string, { brokers, state, untilEnd }: Options) => {
      const platform = nodePlatform()
      const app = await loadApp(path, platform)
      const logger = jsonLogger(line => process.stderr.write(line), platform.clock.now)
      const client = createLogClient({
        platform,
        bootstrap: brokers,
        connector: wireConnector(platform, { clientId: app.name }),
        clientId: app.name,
        logger,
      })
      try {
        const application = await startApplication(app, {
          client,
          platform,
          logger,
          stateFolder: join(resolve(process.cwd(), state), app.name),
        })
        await runApplication(application, { untilEnd: untilEnd === true })
      } finally {
        await client.close()
      }
    })
}
