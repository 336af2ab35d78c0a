/** The folder of one Apache Kafka node, broker and controller together on loopback, whose topics of its own have one replica. */
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { join } from 'node:path'

/** Writes server.properties, formats the data folder unless it is, and gives the path of the former. */
export function kafkaFolder(
  folder: string,
  {
    port,
    controllerPort,
    java,
    settings = {},
  }: {
    port: number
    controllerPort: number
    java: readonly string[]
    settings?: Readonly<Record<string, string>>
  },
): string {
  const properties = join(folder, 'server.properties')
  const data = join(folder, 'data')
  const all = {
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    'controller.listener.names': 'CONTROLLER',
    'log.dirs': data,
    'offsets.topic.replication.factor': '1',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'group.initial.rebalance.delay.ms': '0',
    // It goes by the records' own time: those of tests are from 1970, and would be gone in the middle of one.
    'log.retention.ms': '-1',
    ...settings,
  }
  mkdirSync(folder, { recursive: true })
  const lines = Object.entries(all).map(([name, value]) => `${name}=${value}\n`)
  writeFileSync(properties, lines.join(''))
  if (!existsSync(join(data, 'meta.properties'))) {
    const id = '--cluster-id=millraceKafka000000000'
    const args = [...java, 'kafka.tools.StorageTool', 'format', id, `--config=${properties}`]
    const { status, stderr } = spawnSync('java', args, { encoding: 'utf8' })
    if (status !== 0) throw new Error(`Apache Kafka could not format ${data}:\n${stderr}`)
  }
  return properties
}

/** A port that nobody listens on now. */
export async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('No port is free.')
  return address.port
}
