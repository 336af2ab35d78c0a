/**
 * The whole of Millrace in one process: starts the bundled broker, loads real flights over TCP with kafkajs, runs `app.ts`
 * until the input is consumed, and prints what it found. Everything lies in `.millrace/flights` under the project, so that
 * a second run, or one after Ctrl-C, goes on where the first one stopped. `--json` prints the result for machines.
 */
import { join } from 'node:path'
import process from 'node:process'
import { parseArgs } from 'node:util'
import { Kafka, logLevel } from 'kafkajs'
import { createLogClient, nodePlatform, startApplication } from 'millrace'
import { startBroker } from 'millrace/broker'
import app, { type Delays } from './app.ts'
import { load } from './load.ts'
import { type Progress, noProgress, showProgress } from './progress.ts'
import { type CityDay, type Report, dayOf, printable, worstDays } from './report.ts'

const folder = join(import.meta.dirname, '../../.millrace/flights')
const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort())

try {
  const { values } = parseArgs({ options: { json: { type: 'boolean', default: false } } })
  const report = await run(values.json ? () => noProgress : showProgress)
  if (report === undefined) {
    process.stderr.write('Stopped in the middle; npm start goes on from here.\n')
  } else {
    process.stdout.write(values.json ? `${JSON.stringify(report)}\n` : printable(report))
  }
} catch (error) {
  process.stderr.write(`error: ${causeOf(error)}\n`)
  process.exitCode = 1
}

/** What went wrong first: closing what was open may have failed after it. */
function causeOf(error: unknown): string {
  if (error instanceof SuppressedError) return causeOf(error.suppressed)
  return error instanceof Error ? error.message : String(error)
}

/** Undefined when it was stopped before the end. */
async function run(progressOf: (label: string) => Progress): Promise<Report | undefined> {
  const platform = nodePlatform()
  await using broker = await startBroker({ data: join(folder, 'broker'), platform })
  const { host, port } = broker.address
  const kafka = new Kafka({ brokers: [`${host}:${port}`], logLevel: logLevel.ERROR })

  const loading = progressOf('loading')
  const loaded = await load(kafka, loading.update, stop.signal)
  loading.end()
  if (stop.signal.aborted) return undefined

  await using client = createLogClient({
    platform,
    bootstrap: [broker.address],
    connector: broker.connector(),
  })
  const started = performance.now()
  const processing = progressOf('processing')
  await using application = await startApplication(app, {
    client,
    platform,
    stateFolder: join(folder, 'state'),
    onProgress: processing.update,
  })
  await application.untilEnd({ signal: stop.signal })
  processing.end()
  if (stop.signal.aborted) return undefined
  const seconds = (performance.now() - started) / 1000

  const days: CityDay[] = []
  for await (const { key, windowStart, value } of application.store<Delays>('delays').all()) {
    const { flights, minutes } = value
    days.push({ city: key, day: dayOf(windowStart), flights, meanDelayMinutes: minutes / flights })
  }
  const { processed } = application.metrics()
  return {
    loaded,
    processed,
    recordsPerSecond: Math.round(processed / seconds),
    windows: days.length,
    worst: worstDays(days),
  }
}
