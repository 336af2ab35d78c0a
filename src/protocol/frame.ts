import { MillraceError } from '../errors.ts'
import { decodeMessage, encodeMessage, isFlexible } from './codec.ts'
import { apis } from './messages/index.ts'
import { apiVersions } from './messages/18-api-versions.ts'
import type { AnyApi, Api, Message } from './schema.ts'
import { WireReader } from './wire-reader.ts'
import { WireWriter } from './wire-writer.ts'

/** Requests and responses with their headers. Kafka: RequestHeader.json, ResponseHeader.json (KIP-482). */

export interface RequestHeader {
  readonly correlationId: number
  readonly clientId: string | null
}

/** A request of which the header is read; `reader` stands at the body. */
export interface ReceivedRequest extends RequestHeader {
  readonly apiKey: number
  readonly apiVersion: number
  /** Undefined when the key is unknown or the version is outside the API's range: then the body cannot be read. */
  readonly api: AnyApi | undefined
  readonly reader: WireReader
}

/** A whole request frame, size included. */
export function encodeRequest<Request>(
  api: Api<Request, unknown>,
  version: number,
  header: RequestHeader,
  body: NoInfer<Request>,
): Buffer {
  const writer = new WireWriter()
  writer.int32(0)
  writer.int16(api.key)
  writer.int16(version)
  writer.int32(header.correlationId)
  // Never compact, so that a broker can read it before it knows the version.
  writer.string(header.clientId, false)
  if (isFlexible(api, version)) writer.unsignedVarint(0)
  encodeMessage(api.request, version, body, writer)
  setFrameSize(writer)
  return writer.written()
}

/** Reads the header of a request frame without its size. Throws PROTOCOL_ERROR when it is cut short. */
export function decodeRequestHeader(frame: Buffer): ReceivedRequest {
  const reader = new WireReader(frame)
  reader.what = 'request header'
  const apiKey = reader.int16()
  const apiVersion = reader.int16()
  const correlationId = reader.int32()
  const clientId = reader.string(false)
  const known = apis.get(apiKey)
  const inRange =
    known !== undefined && apiVersion >= known.minVersion && apiVersion <= known.maxVersion
  const api = inRange ? known : undefined
  if (api !== undefined && isFlexible(api, apiVersion)) reader.skipTags()
  return { apiKey, apiVersion, correlationId, clientId, api, reader }
}

/** Reads the body of a request behind its header. Throws PROTOCOL_ERROR. */
export function decodeRequest<DecodedRequest>(
  api: { readonly request: Message<DecodedRequest, unknown> },
  version: number,
  reader: WireReader,
): DecodedRequest {
  return decodeMessage(api.request, version, reader)
}

/** A whole response frame, size included, in pieces to be sent one after another: record batches are not copied. */
export function encodeResponse<ResponseInput>(
  api: Api<unknown, unknown, unknown, ResponseInput>,
  version: number,
  correlationId: number,
  body: NoInfer<ResponseInput>,
): readonly Buffer[] {
  const writer = new WireWriter()
  writer.int32(0)
  writer.int32(correlationId)
  if (hasTaggedResponseHeader(api, version)) writer.unsignedVarint(0)
  encodeMessage(api.response, version, body, writer)
  setFrameSize(writer)
  return writer.pieces()
}

/** Which request a response frame (without size) answers. Throws PROTOCOL_ERROR when it is cut short. */
export function responseCorrelationId(frame: Buffer): number {
  const reader = new WireReader(frame)
  reader.what = 'response header'
  return reader.int32()
}

/** Reads a response frame without its size. Throws PROTOCOL_ERROR. */
export function decodeResponse<Response>(
  api: Api<unknown, Response>,
  version: number,
  frame: Buffer,
): Response {
  const reader = new WireReader(frame, 0)
  reader.what = 'response header'
  reader.take(4)
  if (hasTaggedResponseHeader(api, version)) reader.skipTags()
  return decodeMessage(api.response, version, reader)
}

/** ApiVersions responses keep the plain header: the client does not know yet what the broker can read (KIP-511). */
function hasTaggedResponseHeader(
  api: { key: number; flexibleFrom: number | null },
  version: number,
) {
  return isFlexible(api, version) && api.key !== apiVersions.key
}

function setFrameSize(writer: WireWriter): void {
  writer.int32At(writer.length - 4, 0)
}

/**
 * Cuts a stream of bytes into frames. What a peer says about a frame's size is only believed as the bytes arrive:
 * nothing is reserved ahead, and a size above the maximum throws PROTOCOL_ERROR at once.
 */
export class FrameSplitter {
  private readonly maxFrameBytes: number
  private chunks: Buffer[] = []
  private waiting = 0

  /** `maxFrameBytes`: largest frame to accept, without the four bytes of its size. */
  constructor(maxFrameBytes: number) {
    this.maxFrameBytes = maxFrameBytes
  }

  /** Takes what arrived and returns the frames (without their size) that are complete now, in order. */
  push(bytes: Buffer): Buffer[] {
    this.chunks.push(bytes)
    this.waiting += bytes.length
    const frames: Buffer[] = []
    for (;;) {
      const size = this.nextSize()
      if (size === null || this.waiting < size + 4) return frames
      frames.push(this.takeFront(size + 4).subarray(4))
    }
  }

  private nextSize(): number | null {
    if (this.waiting < 4) return null
    let first = this.chunks[0]
    if (first === undefined || first.length < 4) {
      first = Buffer.concat(this.chunks)
      this.chunks = [first]
    }
    const size = first.readInt32BE(0)
    if (size < 0 || size > this.maxFrameBytes) {
      throw new MillraceError(
        'PROTOCOL_ERROR',
        `The peer announced a frame of ${size} bytes, at most ${this.maxFrameBytes} are accepted. ` +
          'Is it speaking the Kafka protocol?',
      )
    }
    return size
  }

  private takeFront(length: number): Buffer {
    let first = this.chunks[0]
    if (first === undefined || first.length < length) {
      first = Buffer.concat(this.chunks)
      this.chunks = [first]
    }
    this.waiting -= length
    if (first.length === length) this.chunks.shift()
    else this.chunks[0] = first.subarray(length)
    return first.subarray(0, length)
  }
}
