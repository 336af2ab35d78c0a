import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { completeMessage } from '../../src/broker/complete-message.ts'
import { MillraceError } from '../../src/errors.ts'
import { isFlexible } from '../../src/protocol/codec.ts'
import { apis } from '../../src/protocol/messages/index.ts'
import { listOffsets } from '../../src/protocol/messages/02-list-offsets.ts'
import { heartbeat } from '../../src/protocol/messages/12-heartbeat.ts'
import { metadata } from '../../src/protocol/messages/03-metadata.ts'
import { distinctValue } from './distinct-values.ts'
import { messageArbitrary } from './message-arbitrary.ts'
import { decodeAlone, encodeAlone, messageVersions } from './message-versions.ts'
import { hex } from './hex.ts'

describe('every message in every version', () => {
  test.each(messageVersions)('$label comes back as it was', ({ message, version }) => {
    fc.assert(
      fc.property(messageArbitrary(message, version), value => {
        const bytes = encodeAlone(message, version, value)
        expect(decodeAlone(message, version, bytes)).toEqual(value)
        // What is handed over without bytes in one process is what the bytes would have said.
        expect(completeMessage(message, version, value, 'response')).toEqual(value)
      }),
      { numRuns: 15 },
    )
  })

  test.each(messageVersions)('$label cut at any byte is refused', ({ message, version }) => {
    const bytes = encodeAlone(message, version, distinctValue(message, version))
    for (let length = 0; length < bytes.length; length++) {
      expect(refusal(() => decodeAlone(message, version, bytes.subarray(0, length)))).toContain(
        `${message.name} version ${version}`,
      )
    }
  })

  test('damaged bytes are read or refused, nothing else', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...messageVersions),
        fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), {
          minLength: 1,
          maxLength: 4,
        }),
        ({ message, version }, damage) => {
          const bytes = encodeAlone(message, version, distinctValue(message, version))
          for (const [at, byte] of damage) if (bytes.length > 0) bytes[at % bytes.length] = byte
          try {
            decodeAlone(message, version, bytes)
          } catch (error) {
            if (error instanceof Error && error.message.endsWith('left over')) return
            expect(error).toBeInstanceOf(MillraceError)
          }
        },
      ),
      { numRuns: 3000 },
    )
  })

  test.each(messageVersions.filter(({ message, version }) => isFlexible(message, version)))(
    '$label passes over tags it does not know',
    ({ message, version }) => {
      // The distinct value sets every known tag, which are few and small; 99 and 300 are none of them.
      const bytes = encodeAlone(
        message,
        version,
        completeMessage(
          message,
          version,
          { ...distinctValue(message, version), ...untagged(message.fields) },
          'response',
        ),
      )
      expect(bytes.at(-1)).toBe(0)
      const tags = Buffer.from([2, 99, 3, 1, 2, 3, 0xac, 0x02, 0])
      const extended = Buffer.concat([bytes.subarray(0, -1), tags])
      expect(decodeAlone(message, version, extended)).toEqual(decodeAlone(message, version, bytes))
    },
  )
})

test('every flexible API has a request and response that agree on it', () => {
  for (const api of apis.values()) {
    expect(api.request.flexibleFrom).toBe(api.response.flexibleFrom)
    expect(api.minVersion).toBeLessThanOrEqual(api.maxVersion)
  }
})

test('defaults stand in for what is left out and for what the version lacks', () => {
  const bytes = encodeAlone(heartbeat.request, 0, { groupId: 'g', generationId: 1, memberId: 'm' })
  expect(decodeAlone(heartbeat.request, 0, bytes)).toEqual({
    groupId: 'g',
    generationId: 1,
    memberId: 'm',
    groupInstanceId: null,
  })
  const given = { topics: [{ name: 'a' }], includeTopicAuthorizedOperations: true }
  expect(completeMessage(metadata.request, 4, given, 'request')).toEqual({
    topics: [{ topicId: '00000000-0000-0000-0000-000000000000', name: 'a' }],
    allowAutoTopicCreation: true,
    includeClusterAuthorizedOperations: false,
    includeTopicAuthorizedOperations: false,
  })
})

test('an array cannot claim more elements than there are bytes', () => {
  const bytes = Buffer.from(hex('00000001 7fffffff'), 'hex')
  expect(refusal(() => decodeAlone(listOffsets.request, 1, bytes))).toMatch(
    /field topics: 2147483647 elements do not fit into the 0 bytes/,
  )
})

test('a 64-bit number that is not exact as a number is refused', () => {
  const value = {
    replicaId: -1,
    topics: [{ name: 't', partitions: [{ partitionIndex: 0, timestamp: 1 }] }],
  }
  const bytes = encodeAlone(listOffsets.request, 1, value)
  bytes.writeBigInt64BE(2n ** 53n, bytes.length - 8)
  expect(refusal(() => decodeAlone(listOffsets.request, 1, bytes))).toMatch(
    /field topics.partitions.timestamp: the number is beyond/,
  )
})

test('null where none is allowed, and versions that do not exist, are refused', () => {
  expect(refusal(() => decodeAlone(heartbeat.request, 0, Buffer.from('ffff', 'hex')))).toMatch(
    /Heartbeat request version 0, field groupId: null is not allowed/,
  )
  expect(refusal(() => decodeAlone(heartbeat.request, 9, Buffer.alloc(9)))).toMatch(/use 0 to 4/)
})

test('a value that does not fit its field is a bug', () => {
  const value = { groupId: 'g', generationId: 2 ** 31, memberId: 'm' }
  expect(() => encodeAlone(heartbeat.request, 0, value)).toThrow(
    /generationId must be of type int32/,
  )
  expect(() => encodeAlone(heartbeat.request, 0, { groupId: 'g' })).toThrow(
    /generationId must be of type int32, not undefined/,
  )
})

/** Message of the PROTOCOL_ERROR that the call must throw. */
function refusal(call: () => unknown): string {
  try {
    call()
  } catch (error) {
    if (error instanceof MillraceError && error.code === 'PROTOCOL_ERROR') return error.message
    throw error
  }
  throw new Error('nothing was refused')
}

/** Undefined for each tagged field, so that it takes its default. */
function untagged(fields: Readonly<Record<string, { spec: { tag: number | null } }>>) {
  const names = Object.keys(fields).filter(name => fields[name]?.spec.tag !== null)
  return Object.fromEntries(names.map(name => [name, undefined]))
}
