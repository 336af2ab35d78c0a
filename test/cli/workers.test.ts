import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { millrace, type Running, startMillrace } from './millrace.ts'
import { type RunningBroker, startRunningBroker } from './running-broker.ts'

const index = new URL('../../src/index.ts', import.meta.url).href

let broker: RunningBroker
beforeAll(async () => {
  broker = await startRunningBroker()
})
afterAll(() => broker.stop())

/** An app that copies its input; `more` is code of its module. */
function echo(name: string, map = 'value => value', more = ''): string {
  const path = join(broker.folder, `${name}.ts`)
  writeFileSync(
    path,
    `import { defineApp, string } from '${index}'
    ${more}
    const text = { key: string(), value: string() }
    export default defineApp('${name}', builder => {
      builder.stream('${name}-in', text).mapValues(${map}).to('${name}-out', text)
    })`,
  )
  return path
}

async function produce(name: string, values: readonly string[]): Promise<void> {
  await broker.createTopics(`${name}-in`, `${name}-out`)
  await broker.produce(`${name}-in`, values)
}

const run = (app: string, ...flags: string[]): string[] => {
  const state = join(broker.folder, 'state')
  return ['run', app, '--brokers', broker.address, '--state', state, '--log', 'json', ...flags]
}

/** The process of a worker, from the log. */
async function processOf(workers: Running, worker: number): Promise<number> {
  const line = await workers.logged(new RegExp(`Worker ${worker} is process`))
  return Number(/"pid":(\d+)/.exec(line)?.[1])
}

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

test('a killed worker starts anew, workers come and go, and a signal drains all of them', async () => {
  const values = Array.from({ length: 200 }, (_, index) => `value-${index}`)
  await produce('copy', values)
  const app = echo('copy', undefined, `console.log('module loaded')`)
  const workers = startMillrace(...run(app, '--workers', '2'))
  await workers.line(/^copy is running in 2 workers/)

  process.kill(await processOf(workers, 1), 'SIGKILL')
  await workers.logged(/Worker 1 is gone, because it was ended by SIGKILL\. It starts anew/)
  workers.process.kill('SIGTTIN')
  await processOf(workers, 3)
  await workers.logged(/copy is RUNNING.*"worker":3/)
  workers.process.kill('SIGTTOU')
  await workers.logged(/Worker 3 has stopped/)
  expect(await workers.stop('SIGTERM')).toBe(0)

  const { stdout, stderr } = workers.written
  expect(stdout.at(-1)).toMatch(/^copy stopped: \d+ records in, \d+ records out/)
  // What the app prints has its worker's number, too, and everything in the log is JSON.
  expect(stdout).toContainEqual(expect.stringMatching(/"message":"module loaded","worker":1/))
  for (const line of stderr) expect(() => void JSON.parse(line)).not.toThrow()

  const rest = millrace(...run(app, '--workers', '2', '--until-end'))
  expect(rest.status).toBe(0)
  expect(broker.values('copy-out').sort()).toEqual([...values].sort())
})

test('workers finish and end when the supervisor is killed', async () => {
  await produce('orphans', ['a'])
  const workers = startMillrace(...run(echo('orphans'), '--workers', '2'))
  const pids = [await processOf(workers, 1), await processOf(workers, 2)]
  await workers.line(/is running in 2 workers/)
  expect(pids.map(isAlive)).toEqual([true, true])
  expect(await workers.stop('SIGKILL')).toBe(null)
  await expect.poll(() => pids.map(isAlive), { timeout: 30_000 }).toEqual([false, false])
})

test('a second signal cuts workers that do not finish', async () => {
  await produce('stuck', ['a'])
  const app = echo('stuck', `() => { console.log('stuck'); for (;;); }`)
  const workers = startMillrace(...run(app, '--workers', '1'))
  const pid = await processOf(workers, 1)
  await workers.line(/"message":"stuck"/)
  workers.process.kill('SIGINT')
  await workers.line(/SIGINT: finishing what was begun/)
  expect(await workers.stop('SIGTERM')).toBe(130)
  await expect.poll(() => isAlive(pid), { timeout: 30_000 }).toBe(false)
})

test('what all workers would fail with is said once, and none is started again', () => {
  const { status, stderr } = millrace(...run(echo('lost'), '--workers', '2'))
  expect(stderr.match(/^error: .*lost-in.*\[MISSING_TOPIC\]$/gm)).toHaveLength(1)
  expect(stderr).not.toContain('It starts anew')
  expect(status).toBe(2)
})

test('a worker is for its supervisor alone', () => {
  const { status, stderr } = millrace('worker', 'copy', '1')
  expect(stderr).toMatch(/^error: millrace worker is started by millrace run --workers/)
  expect(status).toBe(2)
})
