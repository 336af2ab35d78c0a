/**
 * Messages that two other implementations wrote, and what one of them read from ours, in every version they have: above
 * all the flexible ones, which kafkajs does not speak.
 */
import { describe, expect, test } from 'vitest'
import { apis } from '../../src/protocol/messages/index.ts'
import { produce } from '../../src/protocol/messages/00-produce.ts'
import { decodeMessage } from '../../src/protocol/codec.ts'
import { RecordReader } from '../../src/protocol/record-batch-reader.ts'
import type { AnyApi, Fields, WireType } from '../../src/protocol/schema.ts'
import { WireReader } from '../../src/protocol/wire-reader.ts'
import { kafkaPythonFixtures, platformaticFixtures } from './fixtures.ts'
import { decodeAlone, encodeAlone } from './message-versions.ts'
import type { Untyped } from './untyped.ts'

const of = (kind: string) =>
  platformaticFixtures
    .filter(fixture => fixture.kind === kind && fixture.value !== null)
    .map(fixture => ({ ...fixture, api: apiOf(fixture.api) }))

function apiOf(key: number): AnyApi {
  const api = apis.get(key)
  if (api === undefined) throw new Error(`no API ${key}`)
  return api
}

test.each(kafkaPythonFixtures)('kafka-python: $name $kind $version', fixture => {
  const { kind, version, value, bytes } = fixture
  const message = apiOf(fixture.api)[kind]
  expect(encodeAlone(message, version, value).toString('hex')).toBe(bytes.toString('hex'))
  expect(decodeAlone(message, version, bytes)).toEqual(value)
})

describe('requests of @platformatic/kafka', () => {
  test.each(of('request'))('$name $version', ({ api, version, value, bytes }) => {
    expect(encodeAlone(api.request, version, value).toString('hex')).toBe(bytes.toString('hex'))
    expect(decodeAlone(api.request, version, bytes)).toEqual(value)
  })

  const produceRequests = platformaticFixtures.filter(
    f => f.api === produce.key && f.kind === 'request',
  )
  test.each(produceRequests)('Produce $version', ({ version, bytes }) => {
    const request = decodeMessage(produce.request, version, new WireReader(bytes))
    expect(request).toMatchObject({ transactionalId: 'txn-1', acks: -1, timeoutMs: 30_001 })
    expect(request.topicData.map(t => [t.name, t.partitionData.map(p => p.index)])).toEqual([
      ['topic-1', [7]],
    ])
    const reader = new RecordReader()
    reader.reset(request.topicData[0]?.partitionData[0]?.records ?? Buffer.alloc(0))
    const values: (string | undefined)[] = []
    while (reader.next()) values.push(reader.value?.toString().slice(0, 8))
    expect(values).toEqual(['value-1', 'no key', undefined, 'repeat r'])
    expect(encodeAlone(produce.request, version, request).equals(bytes)).toBe(true)
  })
})

describe('responses read by @platformatic/kafka', () => {
  test.each(of('response'))('$name $version', ({ api, name, version, value, bytes }) => {
    const ours = leaves(api.response.fields, decodeAlone(api.response, version, bytes), version)
    const theirs = new Map(flatten(value))
    for (const [path, leaf] of theirs) {
      for (const [api, pattern, replacement] of renamed) {
        if (api === name) theirs.set(path.replace(pattern, replacement), leaf)
      }
    }
    // Everything that we wrote was read as such, unless the client has no eyes for it.
    const missed = [...ours].filter(([path, leaf]) => theirs.get(path) !== leaf)
    const known = unread.filter(([api]) => api === name)
    expect(missed.filter(([path]) => !known.some(([, pattern]) => pattern.test(path)))).toEqual([])
  })
})

/** What this client keeps under another name than ours. */
const renamed: [api: string, path: RegExp, ours: string][] = [
  ['FindCoordinator', /^coordinators\.0\.(?!key)/, ''],
  ['Fetch', /^(responses\.\d+)\.topicId$/, '$1.topic'],
  ['AddPartitionsToTxn', /^resultsByTransaction\.0\.topicResults\./, 'results.'],
  ['DescribeAcls', /resourcePatternType$/, 'patternType'],
  ['DeleteAcls', /resourcePatternType$/, 'patternType'],
]

/** What it does not look at; it takes records apart, and the fixtures have none that are real. */
const unread: [api: string, path: RegExp][] = [
  ['Fetch', /records$/],
  ['CreateTopics', /topicConfigErrorCode$/],
]

/** Path and value of all that is on the wire in this version. */
function leaves(fields: Fields, value: Untyped, version: number, path = ''): Map<string, string> {
  const found = new Map<string, string>()
  const add = (type: WireType, inner: Untyped, at: string): void => {
    if (inner === null) found.set(at, 'null')
    else if (type.kind === 'struct') {
      for (const entry of leaves(type.fields, inner, version, `${at}.`)) found.set(...entry)
    } else if (type.kind === 'array') {
      for (const [i, e] of inner.entries()) add(type.element.spec.type, e, `${at}.${i}`)
    } else found.set(at, Buffer.isBuffer(inner) ? inner.toString('hex') : String(inner))
  }
  for (const [name, { spec }] of Object.entries(fields)) {
    if (version >= spec.since && version <= spec.until) add(spec.type, value[name], path + name)
  }
  return found
}

function flatten(value: Untyped, path = ''): [string, string][] {
  if (Buffer.isBuffer(value)) return [[path, value.toString('hex')]]
  if (value === null || typeof value !== 'object') return [[path, String(value)]]
  const at = path === '' ? '' : `${path}.`
  return Object.entries(value).flatMap(([name, inner]) => flatten(inner, at + name))
}
