/** Rules and users are made, described and removed by clients, and outlast a restart. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Acl, type AclFilter, Admin } from '@platformatic/kafka'
import {
  AclOperationTypes,
  AclPermissionTypes,
  AclResourceTypes,
  Kafka,
  logLevel,
  ResourcePatternTypes,
} from 'kafkajs'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  type RunningBroker,
  startBroker,
  type StartBrokerOptions,
} from '../../../src/broker/index.ts'
import { MillraceError } from '../../../src/errors.ts'
import { nodePlatform } from '../../../src/platform/node-platform.ts'
import { errorCode } from '../../../src/protocol/error-codes.ts'
import { metadata } from '../../../src/protocol/messages/03-metadata.ts'
import { describeGroups } from '../../../src/protocol/messages/15-describe-groups.ts'
import { saslHandshake } from '../../../src/protocol/messages/17-sasl-handshake.ts'
import { createTopics } from '../../../src/protocol/messages/19-create-topics.ts'
import { describeAcls } from '../../../src/protocol/messages/29-describe-acls.ts'
import { createAcls } from '../../../src/protocol/messages/30-create-acls.ts'
import { deleteAcls } from '../../../src/protocol/messages/31-delete-acls.ts'
import { saslAuthenticate } from '../../../src/protocol/messages/36-sasl-authenticate.ts'
import { describeUserScramCredentials } from '../../../src/protocol/messages/50-describe-user-scram-credentials.ts'
import { alterUserScramCredentials } from '../../../src/protocol/messages/51-alter-user-scram-credentials.ts'
import { describeCluster } from '../../../src/protocol/messages/60-describe-cluster.ts'
import { saltPassword } from '../../../src/protocol/scram.ts'
import { Peer } from '../peer.ts'

const node = nodePlatform()
let data: string
let diskIsFull = false
const files: typeof node.files = {
  ...node.files,
  replace: (path, content) =>
    diskIsFull
      ? Promise.reject(new MillraceError('FILE_ERROR', `${path} could not be written: disk full.`))
      : node.files.replace(path, content),
}

beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), 'millrace-acls-'))
  diskIsFull = false
})
afterEach(() => rmSync(data, { recursive: true, force: true }))

const start = (config: StartBrokerOptions['config'] = {}): Promise<RunningBroker> =>
  startBroker({
    platform: { ...node, files },
    data,
    listeners: [{ name: 'SASL', sasl: ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] }],
    users: [
      { name: 'admin', password: 'a' },
      { name: 'client', password: 'c' },
    ],
    topics: [{ name: 'orders' }],
    config: {
      authorizer: true,
      superUsers: ['User:admin'],
      connectionFailedAuthenticationDelayMs: 0,
      ...config,
    },
  })

async function login(broker: RunningBroker, user: string, password: string): Promise<Peer> {
  const peer = await Peer.open(broker.address)
  await peer.ask(saslHandshake, 1, { mechanism: 'PLAIN' })
  const authBytes = Buffer.from(`\0${user}\0${password}`)
  const { errorCode: code } = await peer.ask(saslAuthenticate, 1, { authBytes })
  if (code === errorCode.NONE) return peer
  await peer.close()
  throw new Error(`login failed with ${code}`)
}

const acl = {
  resourceType: 2,
  resourceName: 'orders',
  resourcePatternType: 3,
  principal: 'User:client',
  host: '*',
  operation: 3,
  permissionType: 3,
}
const every = {
  resourceTypeFilter: 1,
  resourceNameFilter: null,
  patternTypeFilter: 1,
  principalFilter: null,
  hostFilter: null,
  operation: 1,
  permissionType: 1,
}

async function create(peer: Peer, ...creations: Partial<typeof acl>[]): Promise<number[]> {
  const all = creations.map(creation => ({ ...acl, ...creation }))
  const { results } = await peer.ask(createAcls, 3, { creations: all })
  return results.map(result => result.errorCode)
}

async function find(peer: Peer, filter: Partial<typeof every> | object = {}): Promise<string[]> {
  const { resources, errorCode: code } = await peer.ask(describeAcls, 3, { ...every, ...filter })
  expect(code).toBe(errorCode.NONE)
  return resources.flatMap(({ resourceName, patternType, acls }) =>
    acls.map(({ principal, operation }) =>
      [resourceName, patternType, principal, operation].join(' '),
    ),
  )
}

test('kafkajs makes, describes and removes rules, and they count', async () => {
  await using broker = await start()
  const kafka = (username: string, password: string): Kafka =>
    new Kafka({
      brokers: [broker.bootstrap],
      sasl: { mechanism: 'scram-sha-512', username, password },
      logLevel: logLevel.NOTHING,
      retry: { retries: 1 },
    })
  const admin = kafka('admin', 'a').admin()
  const producer = kafka('client', 'c').producer({ idempotent: true })
  await admin.connect()
  await producer.connect().catch(() => undefined)
  const send = () => producer.send({ topic: 'orders', messages: [{ value: 'v' }] })
  await expect(send()).rejects.toThrow('Not authorized')
  const entry = {
    resourceType: AclResourceTypes.TOPIC,
    resourceName: 'ord',
    resourcePatternType: ResourcePatternTypes.PREFIXED,
    principal: 'User:client',
    host: '127.0.0.1',
    operation: AclOperationTypes.WRITE,
    permissionType: AclPermissionTypes.ALLOW,
  }
  expect(await admin.createAcls({ acl: [entry] })).toBe(true)
  await producer.disconnect()
  const allowed = kafka('client', 'c').producer({ idempotent: true })
  await allowed.connect()
  await allowed.send({ topic: 'orders', messages: [{ value: 'v' }] })
  await allowed.disconnect()
  const filter = {
    resourceType: AclResourceTypes.ANY,
    resourcePatternType: ResourcePatternTypes.MATCH,
    resourceName: 'orders',
    operation: AclOperationTypes.ANY,
    permissionType: AclPermissionTypes.ANY,
  }
  const { resources } = await admin.describeAcls(filter)
  expect(resources).toMatchObject([{ resourceName: 'ord', acls: [{ principal: 'User:client' }] }])
  const { filterResponses } = await admin.deleteAcls({ filters: [filter] })
  expect(filterResponses[0]?.matchingAcls).toHaveLength(1)
  expect((await admin.describeAcls(filter)).resources).toEqual([])
  await admin.disconnect()
})

test('@platformatic/kafka makes, describes and removes rules', async () => {
  await using broker = await start()
  const admin = new Admin({
    clientId: 'test',
    bootstrapBrokers: [broker.bootstrap],
    sasl: { mechanism: 'SCRAM-SHA-256', username: 'admin', password: 'a' },
  })
  await admin.createAcls({ creations: [acl as Acl] })
  const filter: AclFilter = {
    resourceType: 2,
    resourcePatternType: 3,
    resourceName: null,
    principal: null,
    host: null,
    operation: 1,
    permissionType: 1,
  }
  expect(await admin.describeAcls({ filter })).toMatchObject([{ resourceName: 'orders' }])
  expect(await admin.deleteAcls({ filters: [filter] })).toHaveLength(1)
  expect(await admin.describeAcls({ filter })).toEqual([])
  await admin.close()
})

describe('rules', () => {
  test('that could never mean anything are refused one by one', async () => {
    await using broker = await start({ maxAcls: 2 })
    const admin = await login(broker, 'admin', 'a')
    const invalid: Partial<typeof acl>[] = [
      { resourceType: 1 },
      { resourceType: 99 },
      { resourceName: '' },
      { resourceType: 4, resourceName: 'orders' },
      { resourcePatternType: 1 },
      { resourcePatternType: 2 },
      { principal: 'client' },
      { principal: 'Group:client' },
      { host: '' },
      { operation: 1 },
      { operation: 9 },
      { permissionType: 1 },
    ]
    const codes = await create(admin, ...invalid, {})
    const refused = invalid.map(() => errorCode.INVALID_REQUEST as number)
    expect(codes).toEqual([...refused, errorCode.NONE])
    expect(await find(admin)).toEqual(['orders 3 User:client 3'])
    expect(await create(admin, {}, { operation: 4 }, { operation: 5 })).toEqual([
      errorCode.NONE,
      errorCode.POLICY_VIOLATION,
      errorCode.POLICY_VIOLATION,
    ])
    await admin.close()
  })

  test('are found by what they say', async () => {
    await using broker = await start()
    const admin = await login(broker, 'admin', 'a')
    await create(
      admin,
      {},
      { resourceName: '*', operation: 4 },
      { resourceName: 'ord', resourcePatternType: 4, principal: 'User:x' },
      { resourceType: 3 },
    )
    expect(await find(admin)).toHaveLength(4)
    const byName = { resourceTypeFilter: 2, resourceNameFilter: 'orders' }
    expect(await find(admin, byName)).toEqual(['orders 3 User:client 3'])
    expect(await find(admin, { ...byName, patternTypeFilter: 2 })).toHaveLength(3)
    expect(await find(admin, { ...byName, patternTypeFilter: 4 })).toEqual([])
    expect(await find(admin, { principalFilter: 'User:x' })).toHaveLength(1)
    expect(await find(admin, { operation: 4 })).toEqual(['* 3 User:client 4'])
    expect(await find(admin, { permissionType: 2 })).toEqual([])
    expect(await find(admin, { hostFilter: '10.0.0.1' })).toEqual([])
    const unknown = await admin.ask(describeAcls, 3, { ...every, operation: 99 })
    expect(unknown.errorCode).toBe(errorCode.INVALID_REQUEST)
    const removed = await admin.ask(deleteAcls, 3, {
      filters: [
        { ...every, principalFilter: 'User:x' },
        { ...every, ...byName },
      ],
    })
    expect(removed.filterResults.map(result => result.matchingAcls.length)).toEqual([1, 1])
    expect(await find(admin)).toHaveLength(2)
    await admin.close()
  })

  test('and users are there after a restart, and are in force', async () => {
    const before = await start()
    const admin = await login(before, 'admin', 'a')
    await create(admin, {}, { resourceName: 'p', resourcePatternType: 4, permissionType: 2 })
    const found = await find(admin)
    await admin.close()
    await before.close()
    await using broker = await start()
    const again = await login(broker, 'admin', 'a')
    expect(await find(again)).toEqual(found)
    const client = await login(broker, 'client', 'c')
    const { topics } = await client.ask(metadata, 12, {
      topics: null,
      allowAutoTopicCreation: false,
      includeTopicAuthorizedOperations: true,
    })
    expect(topics.map(({ name }) => name)).toEqual(['orders'])
    expect(topics[0]?.topicAuthorizedOperations).toBe((1 << 3) | (1 << 8))
    await again.close()
    await client.close()
  })

  test('that cannot be written are not in force, and those that cannot be removed stay', async () => {
    await using broker = await start()
    const admin = await login(broker, 'admin', 'a')
    await create(admin, {})
    diskIsFull = true
    expect(await create(admin, { operation: 4 })).toEqual([errorCode.KAFKA_STORAGE_ERROR])
    const { filterResults } = await admin.ask(deleteAcls, 3, { filters: [every] })
    expect(filterResults).toMatchObject([
      { errorCode: errorCode.KAFKA_STORAGE_ERROR, matchingAcls: [] },
    ])
    expect(await find(admin)).toEqual(['orders 3 User:client 3'])
    diskIsFull = false
    expect(await create(admin, { operation: 4 })).toEqual([errorCode.NONE])
    expect(await find(admin)).toHaveLength(2)
    await admin.close()
  })

  test('in a damaged file keep the broker from starting', async () => {
    const broker = await start()
    const admin = await login(broker, 'admin', 'a')
    await create(admin, {})
    await admin.close()
    await broker.close()
    for (const name of ['acls', 'users']) {
      const path = join(data, name)
      const good = readFileSync(path, 'utf8')
      writeFileSync(path, good.replace('client', 'clienT'))
      await expect(start()).rejects.toMatchObject({ code: 'CORRUPT_DATA' })
      writeFileSync(path, good)
    }
    await (await start()).close()
  })

  test('are told to be off where they are off', async () => {
    await using broker = await startBroker()
    const peer = await Peer.open(broker.address)
    const answer = await peer.ask(describeAcls, 3, every)
    expect(answer.errorCode).toBe(errorCode.SECURITY_DISABLED)
    expect(await create(peer, {})).toEqual([errorCode.SECURITY_DISABLED])
    const cluster = await peer.ask(describeCluster, 1, { includeClusterAuthorizedOperations: true })
    expect(cluster.clusterAuthorizedOperations).toBe(0b1_1111_1010_0000)
    await peer.close()
  })
})

test('what a client may do is told where it is asked', async () => {
  await using broker = await start()
  const admin = await login(broker, 'admin', 'a')
  await create(
    admin,
    { resourceType: 3, resourceName: 'g', operation: 3 },
    { resourceType: 4, resourceName: 'kafka-cluster', operation: 5 },
  )
  const client = await login(broker, 'client', 'c')
  const groups = await client.ask(describeGroups, 5, {
    groups: ['g'],
    includeAuthorizedOperations: true,
  })
  expect(groups.groups[0]?.authorizedOperations).toBe((1 << 3) | (1 << 8))
  const ask = { includeClusterAuthorizedOperations: true }
  expect(await client.ask(describeCluster, 1, ask)).toMatchObject({
    errorCode: errorCode.NONE,
    clusterAuthorizedOperations: 0,
  })
  await create(admin, { resourceType: 4, resourceName: 'kafka-cluster', operation: 8 })
  const { clusterAuthorizedOperations } = await client.ask(describeCluster, 1, ask)
  expect(clusterAuthorizedOperations).toBe((1 << 5) | (1 << 8))
  // Who may create a topic need not know what it is like then.
  const made = await client.ask(createTopics, 7, {
    topics: [
      { name: 'made', numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] },
    ],
    timeoutMs: 1000,
    validateOnly: false,
  })
  expect(made.topics[0]).toMatchObject({
    errorCode: errorCode.NONE,
    topicConfigErrorCode: errorCode.TOPIC_AUTHORIZATION_FAILED,
    numPartitions: -1,
    configs: [],
  })
  await admin.close()
  await client.close()
})

test('without rules for it, a resource may be open to everybody', async () => {
  await using broker = await start({ allowEveryoneIfNoAclFound: true })
  const admin = await login(broker, 'admin', 'a')
  const client = await login(broker, 'client', 'c')
  const ask = { topics: [{ name: 'orders' }], allowAutoTopicCreation: false }
  const code = async () => (await client.ask(metadata, 12, ask)).topics[0]?.errorCode
  expect(await code()).toBe(errorCode.NONE)
  await create(admin, { principal: 'User:other' })
  expect(await code()).toBe(errorCode.TOPIC_AUTHORIZATION_FAILED)
  await admin.close()
  await client.close()
})

describe('users', () => {
  const salt = Buffer.from('salt for a test')
  const upsertion = async (name: string, password: string, change: object = {}) => {
    const how = { salt, iterations: 4096 }
    const saltedPassword = await saltPassword('SCRAM-SHA-256', password, how)
    return { name, mechanism: 1, ...how, saltedPassword, ...change }
  }
  const described = async (peer: Peer, ...names: string[]) =>
    (
      await peer.ask(describeUserScramCredentials, 0, {
        users: names.length === 0 ? null : names.map(name => ({ name })),
      })
    ).results.map(({ user, errorCode: code, credentialInfos }) => [
      user,
      code,
      credentialInfos.map(({ mechanism }) => mechanism),
    ])

  test('are made, get other passwords and are removed', async () => {
    await using broker = await start()
    const admin = await login(broker, 'admin', 'a')
    const alter = async (
      upsertions: Awaited<ReturnType<typeof upsertion>>[],
      deletions: { name: string; mechanism: number }[] = [],
    ) =>
      (await admin.ask(alterUserScramCredentials, 0, { upsertions, deletions })).results.map(
        ({ errorCode: code }) => code,
      )
    await expect(login(broker, 'new', 'one')).rejects.toThrow('login failed')
    expect(await alter([await upsertion('new', 'one')])).toEqual([errorCode.NONE])
    await (await login(broker, 'new', 'one')).close()
    expect(await alter([await upsertion('new', 'two')])).toEqual([errorCode.NONE])
    await expect(login(broker, 'new', 'one')).rejects.toThrow('login failed')
    await (await login(broker, 'new', 'two')).close()
    expect(await described(admin)).toEqual([
      ['admin', 0, [1, 2]],
      ['client', 0, [1, 2]],
      ['new', 0, [1]],
    ])
    expect(readFileSync(join(data, 'users'), 'utf8')).not.toContain('"two"')
    expect(await alter([], [{ name: 'new', mechanism: 1 }])).toEqual([errorCode.NONE])
    await expect(login(broker, 'new', 'two')).rejects.toThrow('login failed')
    expect(await described(admin, 'new', 'client', 'client')).toEqual([
      ['new', errorCode.RESOURCE_NOT_FOUND, []],
      ['client', errorCode.DUPLICATE_RESOURCE, []],
    ])
    await admin.close()
  })

  test('are refused when something about them cannot be', async () => {
    await using broker = await start({ maxUsers: 3 })
    const admin = await login(broker, 'admin', 'a')
    const ok = await upsertion('x', 'p')
    const codes = async (
      upsertions: Awaited<ReturnType<typeof upsertion>>[],
      deletions: { name: string; mechanism: number }[] = [],
    ) =>
      (await admin.ask(alterUserScramCredentials, 0, { upsertions, deletions })).results.map(
        ({ errorCode: code }) => code,
      )
    const unacceptable = [errorCode.UNACCEPTABLE_CREDENTIAL]
    expect(await codes([{ ...ok, iterations: 4095 }])).toEqual(unacceptable)
    expect(await codes([{ ...ok, iterations: 16_385 }])).toEqual(unacceptable)
    expect(await codes([{ ...ok, name: '' }])).toEqual(unacceptable)
    expect(await codes([{ ...ok, saltedPassword: Buffer.alloc(31) }])).toEqual(unacceptable)
    expect(await codes([{ ...ok, salt: Buffer.alloc(0) }])).toEqual(unacceptable)
    expect(await codes([{ ...ok, mechanism: 3 }])).toEqual([errorCode.UNSUPPORTED_SASL_MECHANISM])
    expect(await codes([ok, ok])).toEqual([errorCode.DUPLICATE_RESOURCE])
    const gone = [{ name: 'x', mechanism: 1 }]
    expect(await codes([], gone)).toEqual([errorCode.RESOURCE_NOT_FOUND])
    expect(await codes([ok, { ...ok, name: 'y' }])).toEqual([
      errorCode.NONE,
      errorCode.POLICY_VIOLATION,
    ])
    diskIsFull = true
    expect(await codes([await upsertion('client', 'other')])).toEqual([
      errorCode.KAFKA_STORAGE_ERROR,
    ])
    diskIsFull = false
    await (await login(broker, 'client', 'c')).close()
    await admin.close()
  })
})
