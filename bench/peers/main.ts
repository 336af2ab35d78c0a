/**
 * Millrace's broker beside Apache Kafka on one machine, with Kafka's own tools as clients: all brokers run, and in each
 * round each does the same work in turn, so that whatever else the machine does meets all of them. The first round warms up.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { setTimeout } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { freePort } from '../../test/interop/kafka-folder.ts'
import { apacheKafka, consumerPerf, missing, producerPerf } from './apache-kafka.ts'
import { type Contestant, RunningBroker } from './contestant.ts'
import { type Figures, type Measured, table, writeReadme } from './report.ts'

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    megabytes: { type: 'string', default: '400' },
    write: { type: 'boolean', default: false },
  },
})
const rounds = Number(options.rounds)
const valueSizes = [100, 1024]

const lack = missing()
if (lack === null) await compare()
else process.stdout.write(`Apache Kafka cannot run here, nothing is measured: ${lack}.\n`)

async function compare(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-bench-peers-'))
  try {
    const kafka = apacheKafka(join(folder, 'kafka'), await freePort(), await freePort())
    const contestants = [
      kafka,
      await millrace(join(folder, 'os'), 'os'),
      await millrace(join(folder, 'commit'), 'commit'),
    ]
    const text = table(await measure(contestants), { rounds, megabytes: Number(options.megabytes) })
    process.stdout.write(`${text}\n`)
    if (options.write) writeReadme(text)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

async function millrace(data: string, flush: 'os' | 'commit'): Promise<Contestant> {
  const bin = process.env.MILLRACE_BIN ?? join(import.meta.dirname, '../../bin/millrace.js')
  const port = await freePort()
  return {
    name: `Millrace, flush ${flush}`,
    port,
    command: process.execPath,
    args: [
      bin,
      'broker',
      `--port=${port}`,
      `--data=${data}`,
      `--flush=${flush}`,
      '--log-level=warn',
    ],
  }
}

async function measure(contestants: readonly Contestant[]): Promise<Measured[]> {
  await using running = new AsyncDisposableStack()
  const brokers: RunningBroker[] = []
  for (const contestant of contestants) {
    brokers.push(running.use(await RunningBroker.start(contestant)))
  }
  // What the start left behind is collected within seconds; nothing says when.
  await setTimeout(5000)
  const measured = brokers.map(broker => ({
    name: broker.name,
    coldStartMs: broker.coldStartMs,
    idleMb: broker.memory('VmRSS'),
    peakMb: 0,
    figures: new Map<string, Figures[]>(),
  }))
  for (let round = 0; round <= rounds; round++) {
    for (const valueBytes of valueSizes) {
      for (const [index, broker] of brokers.entries()) {
        const figures = await oneRound(broker, valueBytes)
        for (const [test, each] of Object.entries(figures)) {
          process.stderr.write(
            `${round === 0 ? 'warm-up' : `round ${round}`}: ${broker.name}, ${test}: ` +
              `${Math.round(each.recordsPerSecond)} records/s, ${each.cpuSeconds.toFixed(2)} CPU s\n`,
          )
          if (round === 0) continue
          const all = measured[index]?.figures
          all?.set(test, [...(all.get(test) ?? []), each])
        }
      }
    }
  }
  for (const [index, broker] of brokers.entries()) {
    const each = measured[index]
    if (each !== undefined) each.peakMb = broker.memory('VmHWM')
  }
  return measured
}

async function oneRound(
  broker: RunningBroker,
  valueBytes: number,
): Promise<Record<string, Figures>> {
  const { port } = broker
  const records = Math.round((Number(options.megabytes) * 1e6) / valueBytes)
  const topic = `bench-${valueBytes}-${Date.now()}`
  const load = { port, topic, records, valueBytes }
  const timed = async (work: () => Promise<number>): Promise<Figures> => {
    const before = broker.cpuSeconds()
    const recordsPerSecond = await work()
    return { recordsPerSecond, cpuSeconds: broker.cpuSeconds() - before }
  }
  await broker.createTopic(topic)
  const produce = await timed(() => producerPerf(load))
  const consume = await timed(() => consumerPerf(load))
  await broker.deleteTopic(topic)
  return { [`produce ${valueBytes} B`]: produce, [`consume ${valueBytes} B`]: consume }
}
