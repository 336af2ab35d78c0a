/** A broker as a process of its own, looked at from outside: the Kafka protocol and /proc. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import net from 'node:net'
import { setTimeout } from 'node:timers/promises'
import { createLogClient } from '../../src/client/kafka-client.ts'
import type { LogClient } from '../../src/client/log-client.ts'
import { wireConnector } from '../../src/client/wire-connection.ts'
import { nodePlatform } from '../../src/platform/node-platform.ts'
import { RecordBatchBuilder } from '../../src/protocol/record-batch-builder.ts'

/** How to start a broker on an empty folder; it then listens on 127.0.0.1. */
export interface Contestant {
  readonly name: string
  readonly port: number
  readonly command: string
  readonly args: readonly string[]
}

const platform = nodePlatform()
const partitions = 4

export class RunningBroker implements AsyncDisposable {
  readonly name: string
  readonly port: number
  /** From the start of the process to the acknowledgement of the first record, whose topic was just made. */
  readonly coldStartMs: number
  readonly #process: ChildProcess
  readonly #client: LogClient & AsyncDisposable

  private constructor(
    { name, port }: Contestant,
    process: ChildProcess,
    client: LogClient & AsyncDisposable,
    coldStartMs: number,
  ) {
    this.name = name
    this.port = port
    this.coldStartMs = coldStartMs
    this.#process = process
    this.#client = client
  }

  static async start(contestant: Contestant): Promise<RunningBroker> {
    const { command, args, port } = contestant
    const started = performance.now()
    const process = spawn(command, args, { stdio: ['ignore', 'ignore', 'inherit'] })
    while (!(await accepts(port))) {
      if (process.exitCode !== null) throw new Error(`${contestant.name} did not start.`)
      await setTimeout(2)
    }
    const connector = wireConnector(platform, { clientId: 'bench' })
    const bootstrap = [{ host: '127.0.0.1', port }]
    const client = createLogClient({ platform, bootstrap, connector })
    await client.createTopics([{ name: 'first', partitions: 1 }])
    const producer = await client.producer()
    const batch = new RecordBatchBuilder()
    batch.append(null, Buffer.from('value'), Date.now(), [])
    await producer.send([{ topic: 'first', partition: 0, batch: batch.build() }])
    return new RunningBroker(contestant, process, client, performance.now() - started)
  }

  createTopic(name: string): Promise<unknown> {
    return this.#client.createTopics([{ name, partitions }])
  }

  deleteTopic(name: string): Promise<unknown> {
    return this.#client.deleteTopics([name])
  }

  /** CPU seconds that the process has used. */
  cpuSeconds(): number {
    const fields = readFileSync(`/proc/${this.#process.pid}/stat`, 'utf8').replace(/.*\) /, '')
    const [user, system] = fields.split(' ').slice(11, 13).map(Number)
    // The kernel counts in hundredths of a second for user space, whatever its own clock.
    return ((user ?? 0) + (system ?? 0)) / 100
  }

  /** Resident memory in MB: `VmRSS` now, `VmHWM` the most there was. */
  memory(field: 'VmRSS' | 'VmHWM'): number {
    const status = readFileSync(`/proc/${this.#process.pid}/status`, 'utf8')
    return Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(status)?.[1]) / 1000
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client[Symbol.asyncDispose]()
    const ended = once(this.#process, 'exit')
    this.#process.kill('SIGTERM')
    await ended
  }
}

async function accepts(port: number): Promise<boolean> {
  const socket = net.connect(port, '127.0.0.1')
  const connected = await new Promise<boolean>(resolve => {
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
  })
  socket.destroy()
  return connected
}
