import { join, resolve } from 'node:path'
import process from 'node:process'
import { Command } from 'commander'
import { createLogClient } from '../../client/kafka-client.ts'
import type { Connector } from '../../client/connection.ts'
import { wireConnector } from '../../client/wire-connection.ts'
import { nodePlatform } from '../../platform/node-platform.ts'
import type { Address } from '../../platform/platform.ts'
import { startApplication } from '../../runtime/application.ts'
import { loadApp } from '../load-app.ts'
import { parseBrokers } from '../options.ts'
import { runApplication } from '../run-application.ts'
import { standardErrorLogger } from '../standard-error-logger.ts'

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
      const logger = standardErrorLogger(platform)
      const connector = wireConnector(platform, { clientId: app.name })
      await answering(brokers, connector)
      await using client = createLogClient({ platform, bootstrap: brokers, connector, logger })
      const application = await startApplication(app, {
        client,
        platform,
        logger,
        stateFolder: join(resolve(process.cwd(), state), app.name),
      })
      await runApplication(application, { untilEnd: untilEnd === true })
    })
}

/** The client itself waits for brokers that are away; at the start nobody there means a wrong address. */
async function answering(brokers: readonly Address[], connector: Connector): Promise<void> {
  let failure: unknown
  for (const broker of brokers) {
    try {
      const connection = await connector(broker)
      await connection.close()
      return
    } catch (error) {
      failure = error
    }
  }
  throw failure
}
