import { decodeMessage, encodeMessage } from '../../src/protocol/codec.ts'
import { apis } from '../../src/protocol/messages/index.ts'
import * as internalTopics from '../../src/protocol/internal-topics.ts'
import type { AnyMessage } from '../../src/protocol/schema.ts'
import { WireReader } from '../../src/protocol/wire-reader.ts'
import { WireWriter } from '../../src/protocol/wire-writer.ts'

export interface MessageVersion {
  readonly message: AnyMessage
  readonly version: number
  readonly label: string
}

const messages: AnyMessage[] = [...apis.values()].flatMap(api => [api.request, api.response])
for (const exported of Object.values(internalTopics)) {
  if (typeof exported === 'object') messages.push(exported)
}

/** Every message in every version it has. */
export const messageVersions: MessageVersion[] = messages.flatMap(message => {
  const versions = message.maxVersion - message.minVersion + 1
  return Array.from({ length: versions }, (_, i) => {
    const version = message.minVersion + i
    return { message, version, label: `${message.name} ${version}` }
  })
})

export function encodeAlone(message: AnyMessage, version: number, value: unknown): Buffer {
  const writer = new WireWriter()
  encodeMessage(message, version, value, writer)
  return writer.written()
}

/** Decodes and insists that nothing is left over. */
export function decodeAlone(message: AnyMessage, version: number, bytes: Buffer): unknown {
  const reader = new WireReader(bytes)
  const value = decodeMessage(message, version, reader)
  if (reader.remaining !== 0) throw new Error(`${reader.remaining} bytes are left over`)
  return value
}
