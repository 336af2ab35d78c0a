import { decodeMessage, encodeMessage } from './codec.ts'
import type { Message } from './schema.ts'
import { WireReader } from './wire-reader.ts'
import { WireWriter } from './wire-writer.ts'

/**
 * Messages that carry their version in front, as i16: keys and values of internal topics, and what group members tell
 * each other through the broker.
 */
export function encodeVersioned<In>(
  message: Message<unknown, In>,
  version: number,
  value: NoInfer<In>,
): Buffer {
  const writer = new WireWriter(128)
  writer.int16(version)
  encodeMessage(message, version, value, writer)
  return writer.written()
}

/** Throws PROTOCOL_ERROR when the version is not known or the bytes do not hold the message. */
export function decodeVersioned<Out>(message: Message<Out, unknown>, bytes: Buffer): Out {
  const reader = new WireReader(bytes)
  reader.what = message.name
  return decodeMessage(message, reader.int16(), reader)
}

/** The version in front; tells apart the kinds of keys in an internal topic. Throws PROTOCOL_ERROR. */
export function versionOf(bytes: Buffer): number {
  const reader = new WireReader(bytes)
  reader.what = 'the version of a record'
  return reader.int16()
}
