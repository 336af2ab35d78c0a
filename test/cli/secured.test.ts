/** Commands against a broker that wants TLS and a login: workers get the password without anybody seeing it. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type RunningBroker, startBroker } from '../../src/broker/index.ts'
import { startMillrace } from './millrace.ts'

const pem = (name: string): string =>
  fileURLToPath(new URL(`../fixtures/tls/${name}`, import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'millrace-secured-'))
const secret = 'open-sesame'

let broker: RunningBroker
let properties: string
beforeAll(async () => {
  const tls = { key: pem('server.key'), cert: pem('server.pem') }
  broker = await startBroker({
    listeners: [{ name: 'SASL_SSL', tls, sasl: ['SCRAM-SHA-512'] }],
    users: [{ name: 'ali', password: secret }],
    topics: [{ name: 'in' }, { name: 'out' }],
  })
  properties = join(folder, 'client.properties')
  const lines = [
    'security.protocol=SASL_SSL',
    'sasl.mechanism=SCRAM-SHA-512',
    'sasl.username=ali',
    `sasl.password=${secret}`,
    `ssl.ca.location=${pem('ca.pem')}`,
  ]
  writeFileSync(properties, lines.join('\n'))
})
afterAll(async () => {
  await broker.close()
  rmSync(folder, { recursive: true })
})

test('an app in workers, and the commands of kafkajs', async () => {
  const index = new URL('../../src/index.ts', import.meta.url).href
  const app = join(folder, 'app.ts')
  writeFileSync(
    app,
    `import { defineApp, string } from '${index}'
    const text = { key: string(), value: string() }
    export default defineApp('secured', builder => builder.stream('in', text).to('out', text))`,
  )
  const flags = ['--brokers', broker.bootstrap, '--command-config', properties]
  const state = ['--state', join(folder, 'state'), '--workers', '1']
  const workers = startMillrace('run', app, ...flags, ...state, '--log-level', 'debug')
  await workers.line(/^secured is running in 1 workers/)
  const pid = /"pid":(\d+)/.exec(await workers.logged(/Worker 1 is process/))?.[1]
  if (process.platform === 'linux') {
    expect(readFileSync(`/proc/${pid}/cmdline`, 'utf8')).not.toContain(secret)
  }
  const groups = startMillrace('groups', 'list', ...flags)
  expect(await groups.exit).toBe(0)
  expect(groups.written.stdout.join('\n')).toMatch(/^secured +Stable +1$/m)
  expect(await workers.stop('SIGTERM')).toBe(0)
  expect([...workers.written.stderr, ...workers.written.stdout].join('\n')).not.toContain(secret)
})

test('a wrong password is said once', async () => {
  const flags = ['--command-config', properties, '--sasl-username', 'baba']
  const { exit, written } = startMillrace('topics', 'list', '--brokers', broker.bootstrap, ...flags)
  expect(await exit).toBe(1)
  expect(written.stderr.join('\n')).toMatch(/^error: .*SASL.*\[LOG_ERROR\]$/)
})
