import { appendFileSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { millrace, startMillrace } from './millrace.ts'

const folder = mkdtempSync(join(tmpdir(), 'millrace-cli-'))
afterAll(() => rmSync(folder, { recursive: true }))

const app = 'examples/flights/app.ts'
/** What an app outside of the project imports. */
const index = new URL('../../src/index.ts', import.meta.url).href

function file(name: string, content: string): string {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}

const port = (line: string): string => /:(\d+),/.exec(line)?.[1] ?? ''

const commands = [
  'dev',
  'run',
  'reset',
  'broker',
  'topics',
  'groups',
  'produce',
  'consume',
  'describe',
]

describe('help', () => {
  test('lists the commands', () => {
    const { status, stdout } = millrace('--help')
    expect(status).toBe(0)
    for (const command of commands) expect(stdout).toContain(`  ${command} `)
    // Nobody but a supervisor calls it.
    expect(stdout).not.toContain('  worker ')
  })

  test.each(commands)('%s --help', command => {
    const { status, stdout } = millrace(command, '--help')
    expect(status).toBe(0)
    expect(stdout).toContain(`Usage: millrace ${command}`)
  })
})

describe('describe --diff', () => {
  const version = (store: string): string =>
    file(
      `${store}.ts`,
      `import { defineApp, string } from '${index}'
      export default defineApp('words', builder => {
        const text = { key: string(), value: string() }
        builder.stream('lines', text).groupByKey().count({ store: '${store}' })
      })`,
    )

  test('says what a deploy would break, and fails then', () => {
    const before = file('before.json', millrace('describe', version('counts'), '--json').stdout)
    const same = millrace('describe', version('counts'), '--diff', before)
    expect(same).toMatchObject({
      status: 0,
      stdout: 'Nothing changes for its stores and topics.\n',
    })
    const { status, stdout } = millrace('describe', version('totals'), '--diff', before)
    expect(stdout).toMatch(/^breaksState: The store counts is gone, and totals is new: .*\n$/)
    expect(status).toBe(1)
  })

  test('refuses what is not a description', () => {
    const { status, stderr } = millrace(
      'describe',
      version('counts'),
      '--diff',
      file('no.json', '{"applicationId":5}'),
    )
    expect(stderr).toMatch(/no\.json is not what millrace describe --json prints/)
    expect(status).toBe(2)
  })
})

describe('called wrongly: exit code 2 and what to do', () => {
  test.each([
    [['broker', '--prot', '1'], /unknown option '--prot'[^]*Did you mean --port/],
    [['brokr'], /unknown command 'brokr'[^]*Did you mean broker/],
    [['broker', '--port', '99999'], /from 0 to 65535/],
    [
      ['broker', '--host', '0.0.0.0'],
      /--host: The listener PLAINTEXT on 0\.0\.0\.0 needs advertisedHost/,
    ],
    [['broker', '--config', 'no/such.yaml'], /no configuration file at no\/such\.yaml/],
    [['run', app], /required option '--brokers/],
    [['run', app, '--brokers', 'nowhere'], /not host:port/],
    [['describe'], /missing required argument 'app'/],
    [['describe', 'no/such/app.ts'], /There is no app module at .*no\/such\/app\.ts/],
  ])('millrace %j', (args, message) => {
    const { status, stderr } = millrace(...args)
    expect(stderr).toMatch(message)
    expect(status).toBe(2)
  })

  test('a module without a default export', () => {
    const { status, stderr } = millrace('describe', file('none.ts', 'export const x = 1\n'))
    expect(stderr).toMatch(/has no default export\. End it with: export default defineApp/)
    expect(status).toBe(2)
  })

  test('a module that exports something else', () => {
    const { status, stderr } = millrace('describe', file('other.ts', 'export default 1\n'))
    expect(stderr).toMatch(/is not an app/)
    expect(status).toBe(2)
  })

  test('a module that does not load', () => {
    const { status, stderr } = millrace('describe', file('broken.ts', 'throw new Error("oops")\n'))
    expect(stderr).toMatch(/could not be loaded\. Error: oops/)
    expect(status).toBe(2)
  })
})

describe('an app that is wrong: exit code 2', () => {
  test("the app's function throws", () => {
    const wrong = file(
      'throws.ts',
      `import { defineApp } from '${index}'\nexport default defineApp('broken', () => {\n  throw new TypeError('oops')\n})\n`,
    )
    const { status, stderr } = millrace('describe', wrong)
    expect(stderr).toMatch(
      /^error: The function of the app 'broken' threw TypeError: oops, at .*throws\.ts:3:9\)?\. \[INVALID_APP\]\n$/,
    )
    expect(status).toBe(2)
  })

  test('its topology cannot be compiled: told before a broker is started', () => {
    const wrong = file(
      'wrong-topology.ts',
      `import { defineApp, string } from '${index}'\nconst text = { key: string(), value: string() }\nexport default defineApp('broken', builder => {\n  builder.stream('in', text).mapValues(word => word.length).to('out')\n})\n`,
    )
    const data = join(folder, 'never')
    const { status, stdout, stderr } = millrace('dev', wrong, '--port', '0', '--data', data)
    expect(stderr).toMatch(/\[INVALID_TOPOLOGY\]/)
    expect(stdout).toBe('')
    expect(existsSync(data)).toBe(false)
    expect(status).toBe(2)
  })
})

describe('describe', () => {
  test('prints the text of Kafka Streams', () => {
    const { status, stdout } = millrace('describe', app)
    expect(status).toBe(0)
    expect(stdout).toMatch(/^Topologies:\n {3}Sub-topology: 0/)
    expect(stdout).toContain('(topics: [flights])')
  })

  test('--mermaid prints a flow chart', () => {
    const { status, stdout } = millrace('describe', app, '--mermaid')
    expect(status).toBe(0)
    expect(stdout).toMatch(/^flowchart/)
  })
})

describe('broker', () => {
  test('says when it is ready, and stops cleanly on SIGTERM', async () => {
    const broker = startMillrace('broker', '--port', '0', '--data', join(folder, 'ready'))
    await broker.line(/ready on 127\.0\.0\.1:\d+, data in /)
    expect(await broker.stop('SIGTERM')).toBe(0)
  })

  test('says so in JSON', async () => {
    const data = join(folder, 'json')
    const broker = startMillrace(
      'broker',
      '--json',
      '--data',
      data,
      '--port',
      '0',
      '--metrics-port',
      '0',
    )
    const ready: unknown = JSON.parse(await broker.line(/ready/))
    expect(ready).toMatchObject({
      event: 'ready',
      data,
      listeners: [
        { name: 'PLAINTEXT', advertised: { host: '127.0.0.1', port: expect.any(Number) } },
      ],
      metrics: { host: '127.0.0.1', port: expect.any(Number) },
    })
    expect(await broker.stop('SIGTERM')).toBe(0)
  })

  test('takes its settings from a file, and says at which line one is wrong', async () => {
    const lines = ['port: 0', `data: ${join(folder, 'by-file')}`, 'topics:', '  - name: words', '']
    const config = file('broker.yaml', lines.join('\n'))
    const broker = startMillrace('broker', '--config', config)
    await broker.line(/ready on 127\.0\.0\.1:\d+, data in .*by-file/)
    expect(await broker.stop('SIGINT')).toBe(0)
    const wrong = file('wrong.yaml', [...lines, '    partitons: 2', ''].join('\n'))
    const { status, stderr } = millrace('broker', '--config', wrong)
    expect(stderr).toBe(
      `error: ${wrong}:6: The broker setting topics[0].partitons is not known. Did you mean partitions? [INVALID_CONFIG]\n`,
    )
    expect(status).toBe(2)
  })

  test('--check-config prints the settings in force as a file that can be used', () => {
    const config = file('check.yaml', '{ "numPartitions": 3 }')
    const { status, stdout } = millrace(
      'broker',
      '--config',
      config,
      '--port',
      '0',
      '--check-config',
    )
    expect(status).toBe(0)
    expect(stdout).toContain(`numPartitions: 3  # ${config}:1\n`)
    expect(stdout).toMatch(/listeners: {2}# --port\n {2}- name: PLAINTEXT\n/)
    expect(stdout).toContain('flush: commit  # default\n')
    const again = millrace('broker', '--config', file('again.yaml', stdout), '--check-config')
    expect(again.stderr).toBe('')
    expect(again.stdout.replaceAll(/ {2}#.*/g, '')).toBe(stdout.replaceAll(/ {2}#.*/g, ''))
  })

  test('--check-config shows no password', () => {
    const config = file('users.yaml', 'users: [{ name: admin, password: sesame }]')
    const { stdout } = millrace('broker', '--config', config, '--check-config')
    expect(stdout).toContain('name: admin')
    expect(stdout).not.toContain('sesame')
  })

  test('refuses a port that is in use', async () => {
    const first = startMillrace('broker', '--port', '0', '--data', join(folder, 'one'))
    const taken = port(await first.line(/ready/))
    const second = millrace('broker', '--port', taken, '--data', join(folder, 'two'))
    expect(second.stderr).toMatch(new RegExp(`${taken}.*\\[PORT_IN_USE\\]`))
    expect(second.status).toBe(1)
    await first.stop('SIGTERM')
  })

  test('refuses a data folder that a living process holds, and takes it over from a dead one', async () => {
    const data = join(folder, 'locked')
    const first = startMillrace('broker', '--port', '0', '--data', data)
    await first.line(/ready/)
    const second = millrace('broker', '--port', '0', '--data', data)
    expect(second.stderr).toContain(String(first.process.pid))
    expect(second.stderr).toContain('[FOLDER_LOCKED]')
    expect(second.status).toBe(1)
    await first.stop('SIGKILL')
    const third = startMillrace('broker', '--port', '0', '--data', data)
    await third.line(/ready/)
    expect(await third.stop('SIGTERM')).toBe(0)
  })

  test('refuses a corrupt data folder, naming the file', async () => {
    const data = join(folder, 'corrupt')
    const broker = startMillrace('broker', '--port', '0', '--data', data)
    await broker.line(/ready/)
    await broker.stop('SIGTERM')
    const format = join(data, 'format')
    appendFileSync(format, 'garbage')
    const { status, stderr } = millrace('broker', '--port', '0', '--data', data)
    expect(stderr).toContain(format)
    expect(stderr).toContain('[CORRUPT_DATA]')
    expect(status).toBe(1)
  })
})

describe('dev', () => {
  test('starts broker and app, makes the topics, and stops cleanly on SIGINT', async () => {
    const dev = startMillrace('dev', app, '--port', '0', '--data', join(folder, 'dev'))
    await dev.line(/created airports, flights with 4 partitions each|created flights, airports/)
    await dev.line(/flight-delays is running/)
    expect(await dev.stop('SIGINT')).toBe(0)
  })
})

describe('run', () => {
  test('says which topic is missing', async () => {
    const broker = startMillrace('broker', '--port', '0', '--data', join(folder, 'empty'))
    const brokers = `127.0.0.1:${port(await broker.line(/ready/))}`
    const state = join(folder, 'run-state')
    const { status, stderr } = millrace('run', app, '--brokers', brokers, '--state', state)
    expect(stderr).toMatch(/(flights|airports).*\[MISSING_TOPIC\]/)
    expect(status).toBe(2)
    await broker.stop('SIGTERM')
  })

  test('says that nobody listens', () => {
    const state = join(folder, 'nobody')
    const { status, stderr } = millrace('run', app, '--brokers', '127.0.0.1:1', '--state', state)
    expect(stderr).toMatch(/127\.0\.0\.1:1.*\[CONNECTION_LOST\]/)
    expect(status).toBe(1)
  })
})
