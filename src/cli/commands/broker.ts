import process from 'node:process'
import { Command, Option } from 'commander'
import { type RunningBroker, startCheckedBroker } from '../../broker/start-broker.ts'
import { logLevels } from '../../logger.ts'
import { nodePlatform } from '../../platform/node-platform.ts'
import type { Platform } from '../../platform/platform.ts'
import {
  brokerSettings,
  type BrokerSettings,
  environmentSettings,
  fileSettings,
  type Source,
} from '../broker-settings.ts'
import { parsePort } from '../options.ts'
import { standardErrorLogger } from '../standard-error-logger.ts'
import { stopSignal } from '../stop-signal.ts'

interface Options {
  readonly config?: string
  readonly checkConfig?: true
  readonly json?: true
  readonly metricsPort?: number
  readonly [setting: string]: unknown
}

/** How long a stop may take before the process ends all the same: what was acknowledged is durable without it. */
const STOP_MS = 30_000

/** `millrace broker`: the bundled broker alone, for any Kafka client, until it is told to stop. */
export function brokerCommand(): Command {
  return new Command('broker')
    .description('run the bundled broker, for any Kafka client')
    .option('--config <file>', 'settings in YAML or JSON, see docs/broker.md')
    .option('--host <host>', 'address to listen on (default: 127.0.0.1)')
    .option('--port <port>', 'port to listen on, 0 for a free one (default: 9092)', parsePort)
    .option(
      '--advertised-host <host>',
      'host that clients are told to connect to (default: --host)',
    )
    .option('--data <folder>', 'folder that holds the log (default: .millrace/broker)')
    .addOption(
      new Option(
        '--flush <when>',
        'what an acknowledged write survives: power loss, or a kill',
      ).choices(['commit', 'interval', 'os']),
    )
    .option('--metrics-port <port>', 'port for /metrics, /healthz and /readyz', parsePort)
    .addOption(
      new Option('--log-level <level>', 'least important messages to log').choices(logLevels),
    )
    .option('--json', 'say in JSON when the broker is ready')
    .option('--check-config', 'print the settings in force and where they come from, and end')
    .addHelpText(
      'after',
      '\nFlags win over MILLRACE_BROKER_… of the environment, and these over the file.\nExit codes: 0 stopped in order, 1 failed, 2 wrong settings, 130 cut by a second signal.',
    )
    .action(run)
}

async function run({ config, checkConfig, json, ...flags }: Options): Promise<void> {
  const platform = nodePlatform()
  const settings = await gather(platform, config, flags)
  if (checkConfig === true) {
    const { effectiveSettings } = await import('../effective-settings.ts')
    process.stdout.write(effectiveSettings(settings))
    return
  }
  const stop = stopSignal()
  const logger = standardErrorLogger(platform, settings.logLevel)
  const broker = await startCheckedBroker(settings.options, { platform, logger })
  process.stdout.write(`${json === true ? readyAsJson(broker) : readyLine(broker)}\n`)
  const reload = (): void => broker.reloadTls()
  process.on('SIGHUP', reload)
  await stop
  process.off('SIGHUP', reload)
  await closeInTime(broker, platform)
}

async function gather(
  platform: Platform,
  config: string | undefined,
  { metricsPort, ...flags }: Omit<Options, 'config' | 'checkConfig' | 'json'>,
): Promise<BrokerSettings> {
  const sources: Source[] = []
  if (config !== undefined) sources.push(await fileSettings(platform.files, config))
  sources.push(await environmentSettings(process.env))
  const metrics = metricsPort === undefined ? {} : { metrics: { port: metricsPort } }
  sources.push({
    values: { ...flags, ...metrics },
    place: ([name]) => (name === 'metrics' ? '--metrics-port' : flagOf(String(name))),
  })
  return brokerSettings(sources, {
    workingFolder: process.cwd(),
    data: '.millrace/broker',
    port: 9092,
  })
}

function flagOf(setting: string): string {
  return `--${setting.replaceAll(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)}`
}

function readyLine({ listeners, data }: RunningBroker): string {
  const addresses = listeners.map(({ advertised: { host, port } }) => `${host}:${port}`)
  return `millrace broker ready on ${addresses.join(' and ')}, data in ${data}`
}

function readyAsJson(broker: RunningBroker): string {
  const { listeners, metricsAddress: metrics, data, clusterId } = broker
  return JSON.stringify({ event: 'ready', listeners, metrics, data, clusterId })
}

async function closeInTime(broker: RunningBroker, { timers }: Platform): Promise<void> {
  const timer = timers.schedule(STOP_MS, () => {
    process.stderr.write(`error: The broker did not stop within ${STOP_MS / 1000} s and is cut.\n`)
    process.exit(1)
  })
  try {
    await broker.close()
  } finally {
    timer.cancel()
  }
}
