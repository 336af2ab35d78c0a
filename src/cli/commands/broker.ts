import { resolve } from 'node:path'
import process from 'node:process'
import { Command } from 'commander'
import { startBroker } from '../../broker/start-broker.ts'
import { nodePlatform } from '../../platform/node-platform.ts'
import { parsePort } from '../options.ts'
import { standardErrorLogger } from '../standard-error-logger.ts'
import { stopSignal } from '../stop-signal.ts'

interface Options {
  readonly host: string
  readonly port: number
  readonly data: string
}

/** `millrace broker`: the bundled broker alone, for any Kafka client, until it is told to stop. */
export function brokerCommand(): Command {
  return new Command('broker')
    .description('run the bundled broker, for any Kafka client')
    .option('--host <host>', 'address to listen on', '127.0.0.1')
    .option('--port <port>', 'port to listen on, 0 for a free one', parsePort, 9092)
    .option('--data <folder>', 'folder that holds the log', '.millrace/broker')
    .action(async ({ host, port, data }: Options) => {
      const platform = nodePlatform()
      const stop = stopSignal()
      const folder = resolve(process.cwd(), data)
      const logger = standardErrorLogger(platform)
      await using broker = await startBroker({ host, port, data: folder, platform, logger })
      process.stdout.write(
        `millrace broker ready on ${broker.address.host}:${broker.address.port}, data in ${folder}\n`,
      )
      const reload = (): void => broker.reloadTls()
      process.on('SIGHUP', reload)
      await stop
      process.off('SIGHUP', reload)
    })
}
