/** Apache Kafka in the newest version that test/interop knows: a broker with its own defaults, and its measuring tools. */
import { execFile, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { kafkaFolder } from '../../test/interop/kafka-folder.ts'
import type { Contestant } from './contestant.ts'

const interop = join(import.meta.dirname, '../../test/interop')

/** The newest version in test/interop/java/versions. */
export const kafkaVersion =
  readFileSync(join(interop, 'java/versions'), 'utf8').trim().split('\n').at(-1) ?? ''

/** What this machine lacks to run it; null when nothing. */
export function missing(): string | null {
  for (const command of ['java', 'mvn']) {
    if (spawnSync(command, ['-version']).status !== 0) {
      return `\`${command}\` is not there (Java 17 and Maven are needed)`
    }
  }
  return process.platform === 'linux' ? null : 'CPU time and memory are read from /proc (Linux)'
}

/** Maven gets it on the first call. */
function classpath(): string {
  const { status, stdout, stderr } = spawnSync(join(interop, 'get-kafka'), [kafkaVersion], {
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`Maven could not get Apache Kafka ${kafkaVersion}:\n${stderr}`)
  return stdout
}

/** The flags of Kafka's own start scripts. */
const jvmFlags = [
  '-server',
  '-XX:+UseG1GC',
  '-XX:MaxGCPauseMillis=20',
  '-XX:InitiatingHeapOccupancyPercent=35',
  '-XX:+ExplicitGCInvokesConcurrent',
  '-Djava.awt.headless=true',
  '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
]

/** Broker and controller in one process, with the values of Kafka's config/server.properties. */
export function apacheKafka(folder: string, port: number, controllerPort: number): Contestant {
  const java = [...jvmFlags, '-cp', classpath()]
  const properties = kafkaFolder(folder, {
    port,
    controllerPort,
    java,
    settings: {
      'num.network.threads': '3',
      'num.io.threads': '8',
      'socket.send.buffer.bytes': '102400',
      'socket.receive.buffer.bytes': '102400',
    },
  })
  return {
    name: `Apache Kafka ${kafkaVersion}`,
    port,
    command: 'java',
    args: ['-Xmx1G', '-Xms1G', ...java, 'kafka.Kafka', properties],
  }
}

const run = promisify(execFile)

async function tool(name: string, args: readonly string[]): Promise<string> {
  const java = ['-Xmx512M', ...jvmFlags, '-cp', classpath(), `org.apache.kafka.tools.${name}`]
  const { stdout } = await run('java', [...java, ...args])
  return stdout
}

export interface Load {
  readonly port: number
  readonly topic: string
  readonly records: number
  readonly valueBytes: number
}

/** Records a second of one idempotent producer, acks=all; the first tenth is warm-up and does not count. */
export async function producerPerf({ port, topic, records, valueBytes }: Load): Promise<number> {
  const warmup = Math.ceil(records / 10)
  const output = await tool('ProducerPerformance', [
    `--bootstrap-server=127.0.0.1:${port}`,
    `--topic=${topic}`,
    `--num-records=${records + warmup}`,
    `--warmup-records=${warmup}`,
    `--record-size=${valueBytes}`,
    '--throughput=-1',
    '--command-property=acks=all',
  ])
  const lines = output.split('\n').filter(line => line.includes('steady state records sent'))
  return figure(/ ([\d.]+) records\/sec/.exec(lines.at(-1) ?? '')?.[1], output)
}

/** Records a second of one consumer, without the time that it took to join its group. */
export async function consumerPerf({ port, topic, records }: Load): Promise<number> {
  const output = await tool('ConsumerPerformance', [
    `--bootstrap-server=127.0.0.1:${port}`,
    `--topic=${topic}`,
    `--num-records=${records}`,
    '--timeout=60000',
  ])
  const line = output.split('\n').find(each => each.split(', ').length === 10 && /\d$/.test(each))
  return figure(line?.split(', ')[9], output)
}

function figure(text: string | undefined, output: string): number {
  const found = Number(text)
  if (found > 0) return found
  throw new Error(`The tool printed no figure:\n${output}`)
}
