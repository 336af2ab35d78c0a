/**
 * A real Apache Kafka in a process of its own: broker and controller together, on loopback, with its data in a folder of the
 * test. It is started, stopped and killed like `millrace broker` by `startBrokerProcess`, so a test can run against both.
 *
 * The class path comes from `get-clients`; `hasKafka(version)` says, with a reason, whether a suite can run here.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { BrokerProcess } from '../torture/broker-process.ts'
import { javaArguments, kafkaVersions } from './clients.ts'
import { freePort, kafkaFolder } from './kafka-folder.ts'

/** What Apache Kafka takes for a test: what it keeps once instead of three times, and no waiting for others. */
const forTests = {
  'offsets.topic.num.partitions': '4',
  'transaction.state.log.num.partitions': '4',
  'group.min.session.timeout.ms': '100',
  // A broker that was killed is let in again when its last session has ended, and not before.
  'broker.session.timeout.ms': '1000',
  'broker.heartbeat.interval.ms': '200',
  'transaction.abort.timed.out.transaction.cleanup.interval.ms': '1000',
}

/**
 * Starts Apache Kafka on a folder and resolves when it serves. With the port of a server that was killed on the same folder it
 * goes on where that one ended. `settings` are lines of server.properties.
 */
export async function startKafkaServer(
  folder: string,
  {
    version = kafkaVersions.at(-1) ?? '',
    port = 0,
    settings = {},
  }: { version?: string; port?: number; settings?: Readonly<Record<string, string>> } = {},
): Promise<BrokerProcess> {
  const java = javaArguments(version)
  const listening = port === 0 ? await freePort() : port
  const controller = await freePort()
  const properties = kafkaFolder(folder, {
    port: listening,
    controllerPort: controller,
    java,
    settings: { ...forTests, ...settings },
  })
  const logging = ['defaultLogLevel=error', 'log.kafka.server.KafkaRaftServer=info']
  const flags = logging.map(setting => `-Dorg.slf4j.simpleLogger.${setting}`)
  const child = spawn('java', [...java, ...flags, 'kafka.Kafka', properties], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const log: string[] = []
  const closed = once(child, 'close')
  const serving = new Promise<true>(resolve => {
    let partial = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      const lines = (partial + text).split('\n')
      partial = lines.pop() ?? ''
      log.push(...lines)
      if (lines.some(line => line.includes('Kafka Server started'))) resolve(true)
    })
  })
  if ((await Promise.race([serving, closed])) !== true) {
    throw new Error(`Apache Kafka did not start in ${folder}:\n${log.join('\n')}`)
  }
  const end = async (signal: 'SIGKILL' | 'SIGTERM'): Promise<void> => {
    child.kill(signal)
    await closed
  }
  return {
    pid: child.pid ?? 0,
    bootstrap: `127.0.0.1:${listening}`,
    log,
    kill: () => end('SIGKILL'),
    stop: () => end('SIGTERM'),
  }
}
