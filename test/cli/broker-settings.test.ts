/** Where the settings of `millrace broker` come from, and what is said of one that cannot be used. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import {
  brokerSettings,
  type BrokerSettings,
  environmentSettings,
  fileSettings,
  type Source,
} from '../../src/cli/broker-settings.ts'
import { nodePlatform } from '../../src/platform/node-platform.ts'

const folder = mkdtempSync(join(tmpdir(), 'millrace-broker-settings-'))
afterAll(() => rmSync(folder, { recursive: true }))

const path = join(folder, 'broker.yaml')
const defaults = { workingFolder: '/work', data: 'broker', port: 9092 }

function fileOf(content: string): Promise<Source> {
  writeFileSync(path, content)
  return fileSettings(nodePlatform().files, path)
}

async function fromFile(content: string, ...others: Source[]): Promise<BrokerSettings> {
  return brokerSettings([await fileOf(content), ...others], defaults)
}

const flags = (values: Record<string, unknown>): Source => ({
  values,
  place: ([name]) => `--${String(name)}`,
})

describe('sources', () => {
  test('nothing given: the defaults of the command', () => {
    const { options, logLevel, sources } = brokerSettings([], defaults)
    expect(options).toMatchObject({
      data: '/work/broker',
      listeners: [{ name: 'PLAINTEXT', host: '127.0.0.1', port: 9092 }],
    })
    expect(logLevel).toBe('info')
    expect(sources.size).toBe(0)
  })

  test('flags win over the environment, the environment over the file', async () => {
    const environment = await environmentSettings({
      MILLRACE_BROKER_NUM_PARTITIONS: '2',
      MILLRACE_BROKER_MAX_GROUPS: '2',
      OTHER: 'x',
    })
    const file = 'numPartitions: 1\nmaxGroups: 1\ngroupMaxSize: 1\n'
    const { options, sources } = await fromFile(file, environment, flags({ numPartitions: 3 }))
    expect(options.config).toMatchObject({ numPartitions: 3, maxGroups: 2, groupMaxSize: 1 })
    expect(sources).toEqual(
      new Map([
        ['numPartitions', '--numPartitions'],
        ['maxGroups', 'MILLRACE_BROKER_MAX_GROUPS'],
        ['groupMaxSize', `${path}:3`],
      ]),
    )
  })

  test('a variable holds YAML', async () => {
    const environment = await environmentSettings({
      MILLRACE_BROKER_LISTENERS: '[{ name: A, port: 1 }, { name: B, port: 2 }]',
    })
    const { options } = brokerSettings([environment], defaults)
    expect(options.listeners.map(({ name, port }) => ({ name, port }))).toEqual([
      { name: 'A', port: 1 },
      { name: 'B', port: 2 },
    ])
  })

  test('a flag for a part leaves the other parts', async () => {
    const { options } = await fromFile(
      'metrics: { host: 0.0.0.0, port: 1 }',
      flags({ metrics: { port: 2 } }),
    )
    expect(options.metrics).toEqual({ host: '0.0.0.0', port: 2 })
  })

  test('JSON and an empty file are YAML', async () => {
    expect((await fromFile('{"port": 1}')).options.listeners[0]?.port).toBe(1)
    expect((await fromFile('# nothing yet\n')).options.listeners[0]?.port).toBe(9092)
  })

  test('settings of topics may be numbers', async () => {
    const { options } = await fromFile('topics: [{ name: a, configs: { retention.ms: 5 } }]')
    expect(options.topics[0]?.configs).toEqual(new Map([['retention.ms', '5']]))
  })
})

describe('what cannot be used is named with its place', () => {
  test.each([
    [
      'port: 9092\nnumPartitons: 3\n',
      `${path}:2: The broker setting numPartitons is not known. Did`,
    ],
    ['port: 0\nlisteners:\n  - name: A\n', `${path}:1: There can be either listeners or port`],
    ['listeners:\n  - name: A\n  - name: A\n', `${path}:3: Two listeners are named A`],
    [
      'listeners:\n  - name: A\n    host: "::"\n',
      `${path}:3: The listener A on :: needs advertised`,
    ],
    [
      '\nmetrics:\n  prot: 1\n',
      `${path}:3: The broker setting metrics.prot is not known. Did you mean`,
    ],
    ['flush: sometimes\n', `${path}:1: The broker setting flush cannot be used: `],
    ['logLevel: loud\n', `${path}:1: The broker setting logLevel cannot be used: `],
    ['config: {}\n', `${path}:1: The broker setting config is not known.`],
    ['a: 1\na: 2\n', `${path}:2: Map keys must be unique`],
    ['- a\n', `${path}:1: A configuration consists of lines`],
    ['a: [\n', `${path}:2: `],
  ])('%j', async (content, sentence) => {
    await expect(fromFile(content)).rejects.toThrow(sentence)
    await expect(fromFile(content)).rejects.toMatchObject({ code: 'INVALID_CONFIG' })
  })

  test('a variable', async () => {
    const unknown = await environmentSettings({ MILLRACE_BROKER_PROT: '1' })
    expect(() => brokerSettings([unknown], defaults)).toThrow(
      'MILLRACE_BROKER_PROT: The broker setting prot is not known. Did you mean port?',
    )
    await expect(environmentSettings({ MILLRACE_BROKER_PORT: '[' })).rejects.toThrow(
      /^MILLRACE_BROKER_PORT: The value is not YAML\./,
    )
  })
})
