import { join, resolve } from 'node:path'
import process from 'node:process'
import { Command } from 'commander'
import { startBroker } from '../../broker/start-broker.ts'
import { createLogClient } from '../../client/kafka-client.ts'
import type { LogClient } from '../../client/log-client.ts'
import type { App } from '../../dsl/define-app.ts'
import { nodePlatform } from '../../platform/node-platform.ts'
import { startApplication } from '../../runtime/application.ts'
import { externalTopics } from '../../topology/topology.ts'
import { loadApp } from '../load-app.ts'
import { parseCount, parsePort } from '../options.ts'
import { runApplication } from '../run-application.ts'
import { standardErrorLogger } from '../standard-error-logger.ts'

interface Options {
  readonly port: number
  readonly data: string
  readonly partitions: number
  readonly untilEnd?: boolean
}

/** `millrace dev <app>`: broker and app in one process, for development; topics that the app reads are made for it. */
export function devCommand(): Command {
  return new Command('dev')
    .description('run a broker and an app in one process')
    .argument('<app>', 'app module, such as examples/flights/app.ts')
    .option('--port <port>', 'port of the broker, 0 for a free one', parsePort, 9092)
    .option('--data <folder>', 'folder for the log and the state', '.millrace/dev')
    .option('--partitions <n>', 'partitions of source topics that do not exist yet', parseCount, 4)
    .option('--until-end', 'stop when the input that is there now has been processed')
    .action(async (path: string, { port, data, partitions, untilEnd }: Options) => {
      const platform = nodePlatform()
      const app = await loadApp(path, platform)
      // First, so that a mistake in it is told before a broker has made files and taken a port.
      app.compile()
      const folder = resolve(process.cwd(), data)
      const logger = standardErrorLogger(platform)
      await using broker = await startBroker({
        port,
        data: join(folder, 'broker'),
        platform,
        logger,
      })
      process.stdout.write(
        `broker on ${broker.address.host}:${broker.address.port}, data in ${folder}\n`,
      )
      await using client = createLogClient({
        platform,
        bootstrap: [broker.address],
        connector: broker.connector(),
        logger,
      })
      await createSourceTopics(app, client, partitions)
      const application = await startApplication(app, {
        client,
        platform,
        logger,
        stateFolder: join(folder, 'state', app.name),
      })
      await runApplication(application, { stayInGroup: false, untilEnd: untilEnd === true })
    })
}

async function createSourceTopics(app: App, client: LogClient, partitions: number): Promise<void> {
  const wanted = externalTopics(app.compile())
  const existing = await client.describeTopics(wanted)
  const missing = wanted.filter(name => !existing.has(name))
  if (missing.length === 0) return
  await client.createTopics(missing.map(name => ({ name, partitions })))
  process.stdout.write(`created ${missing.join(', ')} with ${partitions} partitions each\n`)
}
