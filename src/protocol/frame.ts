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

/**
 * Elements that the arrays of a request may have in all: several for each of a broker's partitions, or one for each of its
 * groups. Without it two bytes could become an object, and a frame of 100 MiB gigabytes.
 */
const maxRequestElements = 250_000

/** Reads the body of a request behind its header. Throws PROTOCOL_ERROR. */
export function decodeRequest<DecodedRequest>(
  api: { readonly request: Message<DecodedRequest, unknown> },
  version: number,
  reader: WireReader,
): DecodedRequest {
  reader.elementsLeft = maxRequestElements
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
 * Cuts a stream of bytes into frames. What a peer says about a frame's size is only believed as the bytes arrive: a
 * frame that comes in pieces gets a buffer that grows with it, and a size above the maximum throws PROTOCOL_ERROR at
 * once. Frames that arrive whole are views of what arrived.
 */
export class FrameSplitter {
  /** Largest frame to accept, without the four bytes of its size. */
  maxFrameBytes: number
  /** The unfinished frame, its size first; `unfinishedBytes` of it are there. */
  private unfinished: Buffer = nothing
  /** Bytes of the frame that is not complete yet. */
  unfinishedBytes = 0

  constructor(maxFrameBytes: number) {
    this.maxFrameBytes = maxFrameBytes
  }

  /** Takes what arrived and returns the frames (without their size) that are complete now, in order. */
  push(bytes: Buffer): Buffer[] {
    const frames: Buffer[] = []
    let at = this.unfinishedBytes === 0 ? 0 : this.goOn(bytes, frames)
    while (bytes.length - at >= sizeBytes) {
      const end = at + sizeBytes + this.checkedSize(bytes, at)
      if (end > bytes.length) break
      frames.push(bytes.subarray(at + sizeBytes, end))
      at = end
    }
    if (at < bytes.length) this.begin(bytes.subarray(at), bytes.length)
    return frames
  }

  /** Keeps the start of a frame; the chunk that it came in is not kept for the sake of a small part. */
  private begin(start: Buffer, chunkBytes: number): void {
    this.unfinished = start.length * 2 < chunkBytes ? Buffer.from(start) : start
    this.unfinishedBytes = start.length
  }

  /** Adds to the unfinished frame and returns how much of the bytes belonged to it. */
  private goOn(bytes: Buffer, frames: Buffer[]): number {
    let at = 0
    if (this.unfinishedBytes < sizeBytes) {
      at = Math.min(sizeBytes - this.unfinishedBytes, bytes.length)
      this.add(bytes, 0, at, sizeBytes)
      if (this.unfinishedBytes < sizeBytes) return at
    }
    const total = sizeBytes + this.checkedSize(this.unfinished, 0)
    const end = at + Math.min(total - this.unfinishedBytes, bytes.length - at)
    this.add(bytes, at, end, total)
    if (this.unfinishedBytes === total) {
      frames.push(this.unfinished.subarray(sizeBytes, total))
      this.unfinished = nothing
      this.unfinishedBytes = 0
    }
    return end
  }

  private add(bytes: Buffer, from: number, to: number, total: number): void {
    const used = this.unfinishedBytes
    const needed = used + to - from
    if (needed > this.unfinished.length) {
      const grown = Buffer.allocUnsafe(Math.min(total, Math.max(firstBytes, needed * 4)))
      this.unfinished.copy(grown, 0, 0, used)
      this.unfinished = grown
    }
    bytes.copy(this.unfinished, used, from, to)
    this.unfinishedBytes = needed
  }

  private checkedSize(bytes: Buffer, at: number): number {
    const size = bytes.readInt32BE(at)
    if (size >= 0 && size <= this.maxFrameBytes) return size
    throw new MillraceError(
      'PROTOCOL_ERROR',
      `The peer announced a frame of ${size} bytes, at most ${this.maxFrameBytes} are accepted. ` +
        'Is it speaking the Kafka protocol?',
    )
  }
}

const sizeBytes = 4
/** What the buffer of an unfinished frame starts with: most frames are not larger. */
const firstBytes = 256 * 1024
const nothing = Buffer.alloc(0)
