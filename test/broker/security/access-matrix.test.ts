/**
 * Every API, every resource it names, every operation it needs: refused and granted by all kinds of rules, over a socket.
 * What is refused changes nothing, and to show that this is looked at, what is granted does.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { handlers } from '../../../src/broker/api/index.ts'
import { completeMessage } from '../../../src/broker/complete-message.ts'
import { type RunningBroker, startBroker } from '../../../src/broker/index.ts'
import type { Connection } from '../../../src/client/connection.ts'
import { nodePlatform } from '../../../src/platform/node-platform.ts'
import type { Files } from '../../../src/platform/platform.ts'
import { errorCode } from '../../../src/protocol/error-codes.ts'
import { decodeResponse, encodeRequest } from '../../../src/protocol/frame.ts'
import { saslHandshake } from '../../../src/protocol/messages/17-sasl-handshake.ts'
import { saslAuthenticate } from '../../../src/protocol/messages/36-sasl-authenticate.ts'
import { apis } from '../../../src/protocol/messages/index.ts'
import { Peer } from '../peer.ts'
import { type Fixture, free, type Need, type Row, rows, type Type } from './access-matrix.ts'

const typeCodes = { Topic: 2, Group: 3, Cluster: 4, TransactionalId: 5 }
const operations = {
  All: 2,
  Read: 3,
  Write: 4,
  Create: 5,
  Delete: 6,
  Alter: 7,
  Describe: 8,
  ClusterAction: 9,
  DescribeConfigs: 10,
  AlterConfigs: 11,
  IdempotentWrite: 12,
} as Record<string, number>
const supported: Record<Type, string[]> = {
  Topic: [
    'Read',
    'Write',
    'Create',
    'Delete',
    'Alter',
    'Describe',
    'DescribeConfigs',
    'AlterConfigs',
  ],
  Group: ['Read', 'Delete', 'Describe'],
  Cluster: [
    'Create',
    'ClusterAction',
    'DescribeConfigs',
    'AlterConfigs',
    'IdempotentWrite',
    'Alter',
    'Describe',
  ],
  TransactionalId: ['Describe', 'Write'],
}
/** Whoever may do these may do that too. */
const implying: Record<string, string[]> = {
  Describe: ['Read', 'Write', 'Delete', 'Alter'],
  DescribeConfigs: ['AlterConfigs'],
}
const refusals = { Topic: 29, Group: 30, Cluster: 31, TransactionalId: 53 }

interface Rule extends Need {
  readonly pattern: 'Literal' | 'Prefixed'
  readonly principal: string
  readonly host: string
  readonly permission: 'Allow' | 'Deny'
}

const rule = (need: Need, change: Partial<Rule> = {}): Rule => ({
  ...need,
  pattern: 'Literal',
  principal: 'User:client',
  host: '127.0.0.1',
  permission: 'Allow',
  ...change,
})

/** By label, the rules that allow a need. */
function grants(need: Need): [string, Rule[]][] {
  const { type, name, operation } = need
  const also = (implying[operation] ?? []).filter(other => supported[type].includes(other))
  return [
    ['a literal', [rule(need)]],
    ...(type === 'Cluster'
      ? []
      : [
          ['a prefix', [rule(need, { pattern: 'Prefixed', name: name.slice(0, 3) })]] as [
            string,
            Rule[],
          ],
        ]),
    ['a wildcard', [rule(need, { name: '*' })]],
    ['all operations', [rule(need, { operation: 'All' })]],
    ['everybody from everywhere', [rule(need, { principal: 'User:*', host: '*' })]],
    ['a refusal of another', [rule(need), rule(need, { principal: 'User:x', permission: 'Deny' })]],
    ...also.map((other): [string, Rule[]] => [other, [rule(need, { operation: other })]]),
  ]
}

/** By label, rules under which nothing of the alternatives is allowed. */
function lacks(alternatives: readonly Need[]): [string, Rule[]][] {
  const each = (make: (need: Need) => Rule[]): Rule[] => alternatives.flatMap(make)
  const isAny = alternatives.some(({ operation }) => operation === 'IdempotentWrite')
  const named = (need: Need): boolean => need.type !== 'Cluster' && !isAny
  const deny = (need: Need, change: Partial<Rule>): Rule[] => [
    rule(need, { name: '*', operation: 'All' }),
    rule(need, { ...change, permission: 'Deny' }),
  ]
  return [
    ['no rule', []],
    ['rules for another user', each(need => [rule(need, { principal: 'User:clients' })])],
    ['rules for another host', each(need => [rule(need, { host: '127.0.0.2' })])],
    [
      'rules for longer names',
      each(need =>
        named(need)
          ? [
              rule(need, { name: `${need.name}x` }),
              rule(need, { name: `${need.name}x`, pattern: 'Prefixed' }),
              rule(need, { name: need.name.slice(0, 3) }),
            ]
          : [],
      ),
    ],
    [
      'rules for all other operations',
      each(need =>
        supported[need.type]
          .filter(
            other =>
              !alternatives.some(
                ({ type, operation }) =>
                  type === need.type &&
                  (operation === other || implying[operation]?.includes(other)),
              ),
          )
          .map(operation => rule(need, { operation })),
      ),
    ],
    ['a wildcard that denies', each(need => deny(need, { name: '*' }))],
    [
      'a denial of everything to everybody',
      each(need => deny(need, { name: '*', operation: 'All', principal: 'User:*', host: '*' })),
    ],
    ...(isAny
      ? []
      : [
          ['a literal that denies', each(need => deny(need, {}))] as [string, Rule[]],
          [
            'a prefix that denies',
            each(need =>
              named(need)
                ? deny(need, { pattern: 'Prefixed', name: need.name.slice(0, 2) })
                : deny(need, {}),
            ),
          ] as [string, Rule[]],
        ]),
  ]
}

const node = nodePlatform()
/** Nothing crashes here, so nothing needs to be durable, and rules change more than a thousand times. */
const files: Files = {
  ...node.files,
  async syncFolder() {},
  async replace(path, content) {
    const file = node.files.open(path, { create: true })
    file.truncate(0)
    file.write(content, 0)
    file.close()
  },
}

let broker: RunningBroker | null = null
let administrator: Connection
let peer: Peer
let fixture: Fixture

/** As the super user, without sockets. */
async function ask(key: number, body: object): Promise<Record<string, unknown>> {
  const api = apis.get(key)
  if (api === undefined) throw new Error(`There is no API ${key}`)
  return (await administrator.request(api, body)) as Record<string, unknown>
}

/** A new broker, unless the one before is as it was. */
async function start(): Promise<void> {
  if (broker !== null) return
  broker = await startBroker({
    platform: { ...node, files },
    listeners: [{ name: 'SASL', sasl: ['PLAIN'] }],
    users: [
      { name: 'client', password: 'p' },
      { name: 'victim', password: 'p' },
    ],
    topics: [{ name: 'topic', partitions: 2 }],
    flush: 'os',
    config: { authorizer: true, offsetsTopicNumPartitions: 1, transactionStateLogNumPartitions: 1 },
  })
  administrator = await broker.connector()(broker.address)
  const described = (await ask(3, { topics: null })) as { topics: { topicId: string }[] }
  const topicId = described.topics[0]?.topicId ?? ''
  const produceRow = rows.find(({ api }) => api === 0)
  await ask(
    0,
    produceRow?.body(9, { topicId, producer: { producerId: 0n, producerEpoch: 0 } }) ?? {},
  )
  await ask(8, {
    groupId: 'group',
    generationIdOrMemberEpoch: -1,
    topics: [
      {
        name: 'topic',
        partitions: [{ partitionIndex: 0, committedOffset: 0, committedMetadata: 'before' }],
      },
    ],
  })
  await ask(10, { coordinatorKeys: ['transaction'], keyType: 1 })
  const producer = (await ask(22, {
    transactionalId: 'transaction',
    transactionTimeoutMs: 60_000,
    producerId: -1n,
    producerEpoch: -1,
  })) as { producerId: bigint; producerEpoch: number }
  const { producerId, producerEpoch } = producer
  fixture = { topicId, producer: { producerId, producerEpoch } }
  await ask(24, {
    transactionalId: 'transaction',
    ...fixture.producer,
    topics: [{ name: 'topic', partitions: [1] }],
  })
  await allow([
    rule({ type: 'Topic', name: 'other', operation: 'Read' }, { principal: 'User:victim' }),
  ])
  peer = await Peer.open(broker.address)
  await peer.ask(saslHandshake, 1, { mechanism: 'PLAIN' })
  const login = await peer.ask(saslAuthenticate, 1, { authBytes: Buffer.from('\0client\0p') })
  expect(login.errorCode).toBe(errorCode.NONE)
}

async function stop(): Promise<void> {
  if (broker === null) return
  await peer.close()
  await administrator.close()
  await broker.close()
  broker = null
}

async function allow(rules: readonly Rule[]): Promise<void> {
  const creations = rules.map(
    ({ type, name, pattern, principal, host, operation, permission }) => ({
      resourceType: typeCodes[type],
      resourceName: name,
      resourcePatternType: pattern === 'Literal' ? 3 : 4,
      principal,
      host,
      operation: operations[operation] ?? -1,
      permissionType: permission === 'Deny' ? 2 : 3,
    }),
  )
  const { results } = (await ask(30, { creations })) as { results: { errorCode: number }[] }
  for (const result of results) expect(result).toMatchObject({ errorCode: errorCode.NONE })
}

/** Takes the rules of the test away again. */
async function forbid(): Promise<void> {
  const any = { resourceTypeFilter: 1, patternTypeFilter: 1, operation: 1, permissionType: 1 }
  const users = ['User:client', 'User:clients', 'User:*', 'User:x']
  await ask(31, { filters: users.map(principalFilter => ({ ...any, principalFilter })) })
}

/** Everything that a request could change. */
async function state(): Promise<string> {
  const partitions = [0, 1].map(partitionIndex => ({ partitionIndex, currentLeaderEpoch: -1 }))
  const at = (timestamp: number): object => ({
    isolationLevel: 1,
    topics: [{ name: 'topic', partitions: partitions.map(each => ({ ...each, timestamp })) }],
  })
  const parts = [
    await ask(3, { topics: null }),
    await ask(2, at(-1)),
    await ask(2, at(-2)),
    await ask(9, { groups: [{ groupId: 'group', topics: null }] }),
    await ask(16, {}),
    await ask(32, {
      resources: [{ resourceType: 2, resourceName: 'topic', configurationKeys: null }],
    }),
    await ask(29, {
      resourceTypeFilter: 1,
      patternTypeFilter: 1,
      principalFilter: 'User:victim',
      operation: 1,
      permissionType: 1,
    }),
    await ask(48, { components: [], strict: false }),
    await ask(50, { users: null }),
    await ask(65, { transactionalIds: ['transaction'] }),
  ]
  return text(parts)
}

async function request(row: Row, version: number): Promise<unknown> {
  const api = apis.get(row.api)
  if (api === undefined) throw new Error(`There is no API ${row.api}`)
  const body = completeMessage(api.request, version, row.body(version, fixture), 'request')
  peer.socket.write(encodeRequest(api, version, { correlationId: 1, clientId: 'peer' }, body))
  return decodeResponse(api, version, await peer.next())
}

/** The refusals for lack of permission, anywhere in an answer. */
function refusalsIn(value: unknown): number[] {
  if (typeof value !== 'object' || value === null || Buffer.isBuffer(value)) return []
  return Object.entries(value).flatMap(([name, field]) => {
    if (typeof field !== 'number') return refusalsIn(field)
    const isCode = name === 'errorCode' || name === 'partitionErrorCode'
    return isCode && Object.values(refusals).includes(field) ? [field] : []
  })
}

/** The items of all lists of that name that are about what the test is about. */
function listed(value: unknown, list: string): unknown[] {
  if (typeof value !== 'object' || value === null || Buffer.isBuffer(value)) return []
  return Object.entries(value).flatMap(([name, field]) =>
    name === list && Array.isArray(field)
      ? field.filter(item => /"(topic|group|transaction|logDir)"/.test(text(item)))
      : listed(field, list),
  )
}

const text = (value: unknown): string =>
  JSON.stringify(value, (_, field: unknown) => (typeof field === 'bigint' ? String(field) : field))

function isRefused(row: Row, clause: number, answer: unknown): boolean {
  const codes = refusalsIn(answer)
  if (row.hides !== undefined && clause === 0) return listed(answer, row.hides).length === 0
  return codes.includes(refusals[row.needs[clause]?.[0]?.type ?? 'Topic'])
}

/** What the other needs of the row are granted by. */
const others = (row: Row, clause: number): Rule[] =>
  row.needs.flatMap((alternatives, index) =>
    index === clause ? [] : alternatives.slice(0, 1).map(need => rule(need)),
  )

const cases = rows.flatMap(row => {
  const handler = handlers.get(row.api)
  if (handler === undefined) throw new Error(`API ${row.api} is not served`)
  const first = Math.max(row.since ?? 0, handler.minVersion)
  const what = row.what === undefined ? '' : ` ${row.what}`
  return [...new Set([first, handler.maxVersion])].map(version => ({
    label: `${handler.name}${what}, version ${version}`,
    row,
    version,
  }))
})

afterAll(stop)

test('every API that is served is in the table', () => {
  const known = new Set([...free, ...rows.map(({ api }) => api)])
  expect([...handlers.keys()].filter(key => !known.has(key))).toEqual([])
})

describe.each(cases)('$label', ({ row, version }) => {
  beforeAll(start)
  afterAll(() => (row.changes ? stop() : undefined))

  test.each(row.needs.map((alternatives, clause) => ({ alternatives, clause })))(
    'needs $alternatives.0.operation on $alternatives.0.type $alternatives.0.name',
    async ({ alternatives, clause }) => {
      const before = await state()
      for (const [label, rules] of lacks(alternatives)) {
        // What forbids this must not forbid the rest as well.
        await allow([...others(row, clause), ...rules])
        const answer = await request(row, version)
        expect(isRefused(row, clause, answer), `${label} refuses`).toBe(true)
        await forbid()
      }
      expect(await state(), 'what is refused changes nothing').toBe(before)
    },
  )

  test('is granted', async () => {
    const before = await state()
    let isFirst = true
    for (const [clause, alternatives] of row.needs.entries()) {
      for (const need of alternatives) {
        for (const [label, rules] of grants(need)) {
          await allow([...others(row, clause), ...rules])
          const answer = await request(row, version)
          expect(refusalsIn(answer), `${need.operation} on ${need.type} by ${label}`).toEqual([])
          if (row.hides !== undefined) {
            expect(listed(answer, row.hides), `${need.type} by ${label}`).not.toEqual([])
          }
          await forbid()
          if (isFirst && row.changes) {
            expect(await state(), 'what is granted changes something').not.toBe(before)
          }
          isFirst = false
        }
      }
    }
  })
})
