/**
 * Every version of every API that kafkajs speaks: its requests are byte for byte ours, and it reads our responses field
 * by field. Values are distinct, so that a swapped or forgotten field shows.
 */
import { createRequire } from 'node:module'
import { describe, expect, test } from 'vitest'
import {
  decodeRequest,
  decodeRequestHeader,
  encodeRequest,
  encodeResponse,
} from '../../src/protocol/frame.ts'
import { apis } from '../../src/protocol/messages/index.ts'
import { RecordBatchBuilder } from '../../src/protocol/record-batch-builder.ts'
import type { AnyApi, Fields, WireType } from '../../src/protocol/schema.ts'
import { distinctValue } from './distinct-values.ts'
import { kafkajsRequests } from './kafkajs-requests.ts'
import type { Untyped } from './untyped.ts'

const require = createRequire(import.meta.url)
const from = (path: string) => require(`../../node_modules/kafkajs/src/protocol/${path}`)
const encodeKafkajs = from('request.js')
const Long = require('../../node_modules/kafkajs/src/utils/long.js')

interface Case {
  readonly label: string
  readonly folder: string
  readonly api: AnyApi
  readonly version: number
  readonly definition: { versions: string[]; protocol: (v: { version: number }) => Untyped }
}

const cases: Case[] = []
for (const folder of Object.keys(kafkajsRequests)) {
  const definition = from(`requests/${folder}`)
  for (const version of definition.versions.map(Number)) {
    const { request } = definition.protocol({ version })(argumentsFor(folder))
    const api = apis.get(request.apiKey)
    if (api === undefined) throw new Error(`no API ${request.apiKey} for ${folder}`)
    if (version < api.minVersion) continue
    cases.push({ label: `${api.name} ${version}`, folder, api, version, definition })
  }
}

/** Something to construct a request with, only to learn its key. */
function argumentsFor(folder: string): unknown {
  return folder === 'deleteGroups' ? [] : { topics: [], sessionTimeout: 1 }
}

describe('requests', () => {
  test.each(cases)('$label', async ({ folder, api, version, definition }) => {
    const value: Record<string, Untyped> = distinctValue(api.request, version)
    // kafkajs lets one member leave at a time.
    if (folder === 'leaveGroup') value['members'] = value['members'].slice(0, 1)
    const toKafkajs = kafkajsRequests[folder]
    const { request } = definition.protocol({ version })(toKafkajs?.(plain(value)))
    const header = { correlationId: 77, clientId: 'client-1' }
    const theirs: Buffer = (await encodeKafkajs({ ...header, request })).buffer

    expect(encodeRequest(api, version, header, value).toString('hex')).toBe(theirs.toString('hex'))

    const received = decodeRequestHeader(theirs.subarray(4))
    expect(received).toMatchObject({ ...header, apiKey: api.key, apiVersion: version, api })
    expect(decodeRequest(api, version, received.reader)).toEqual(value)
    expect(received.reader.remaining).toBe(0)
  })

  /** Producer ids are bigints with us, and anything Long understands with kafkajs. */
  function plain(value: Untyped): Untyped {
    if (typeof value === 'bigint') return String(value)
    if (Buffer.isBuffer(value)) return value
    if (Array.isArray(value)) return value.map(plain)
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, plain(inner)]))
  }
})

describe('responses', () => {
  test.each(cases)('$label', async ({ folder, api, version, definition }) => {
    const value: Record<string, Untyped> = distinctValue(api.response, version)
    const partitions =
      folder === 'fetch' ? value['responses'].flatMap((r: Untyped) => r.partitions) : []
    for (const partition of partitions) partition.records = batchOf(partition.partitionIndex)
    const frame = Buffer.concat(encodeResponse(api, version, 1, value))
    const { response } = definition.protocol({ version })(argumentsFor(folder))
    // kafkajs counts the tags of a flexible header to the body: give it all behind the correlation id.
    const theirs = await response.decode(frame.subarray(8))
    const read = leavesOfKafkajs(theirs)
    const written = leavesOf(api.response.fields, value, version)
    const skipsMessages = folder.endsWith('PartitionReassignments')
    expect(read).toEqual(
      skipsMessages ? written.filter(leaf => !leaf.startsWith('errorMessage=')) : written,
    )
    const throttled = theirs.clientSideThrottleTime || theirs.throttleTime || theirs.throttleTimeMs
    expect(throttled ?? 0).toBe(value['throttleTimeMs'] ?? 0)
    const messages = partitions.map((p: Untyped) => [String(p.partitionIndex)])
    expect(messagesOf(theirs)).toEqual(messages)
  })
})

function batchOf(partition: number): Buffer {
  const builder = new RecordBatchBuilder()
  builder.append(null, Buffer.from(String(partition)), 1, [])
  return builder.build()
}

/** Values of the records that kafkajs read from each partition of a fetch. */
function messagesOf(fetched: Untyped): string[][] {
  const partitions = (fetched?.responses ?? []).flatMap((r: Untyped) => r.partitions ?? [])
  return partitions
    .filter((p: Untyped) => p.messages !== undefined)
    .map((p: Untyped) => p.messages.map((m: Untyped) => m.value.toString()))
}

/** What kafkajs calls fields that we call otherwise; several may share a name. */
const aliases: Record<string, string> = {
  topic: 'name',
  topicName: 'name',
  lastStartOffset: 'logStartOffset',
  partition: 'partitionIndex',
  partitionId: 'partitionIndex',
  topicErrorCode: 'errorCode',
  partitionErrorCode: 'errorCode',
  leader: 'leaderId',
  replicas: 'replicaNodes',
  isr: 'isrNodes',
  offset: 'committedOffset',
  groupProtocol: 'protocolName',
  memberMetadata: 'metadata',
  memberAssignment: 'assignment',
  state: 'groupState',
  protocol: 'protocolData',
  enabledMechanisms: 'mechanisms',
  resourcePatternType: 'patternType',
  configName: 'name',
  configValue: 'value',
  configSource: 'source',
}

/** Made up by kafkajs, or checked apart. */
const ignored =
  /^(throttleTime|throttleTimeMs|clientSideThrottleTime|isDefault|error|records|messages)$/

const named = (name: string, value: unknown) =>
  `${aliases[name] ?? name}=${Buffer.isBuffer(value) ? value.toString('hex') : String(value)}`

/** Names and values in wire order. */
function leavesOf(fields: Fields, value: Record<string, Untyped>, version: number): string[] {
  const leaves: string[] = []
  const add = (type: WireType, inner: Untyped, name: string): void => {
    if (type.kind === 'struct') leaves.push(...leavesOf(type.fields, inner, version))
    else if (type.kind === 'array') for (const e of inner) add(type.element.spec.type, e, name)
    else leaves.push(named(name, inner))
  }
  for (const [name, { spec }] of Object.entries(fields)) {
    const present = version >= spec.since && version <= spec.until
    if (present && !ignored.test(name)) add(spec.type, value[name], name)
  }
  return leaves
}

function leavesOfKafkajs(value: Untyped, name = ''): string[] {
  const isScalar = value === null || typeof value !== 'object'
  if (name === 'authBytes') return [named(name, value.subarray(4))]
  if (isScalar || Buffer.isBuffer(value) || Long.isLong(value)) return [named(name, value)]
  if (Array.isArray(value)) return value.flatMap(inner => leavesOfKafkajs(inner, name))
  return Object.entries(value)
    .filter(([inner]) => !ignored.test(inner))
    .flatMap(([inner, innerValue]) => leavesOfKafkajs(innerValue, inner))
}
