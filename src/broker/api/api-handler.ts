import type { Address } from '../../platform/platform.ts'
import { decodeRequest, encodeResponse } from '../../protocol/frame.ts'
import type { Api } from '../../protocol/schema.ts'
import type { WireReader } from '../../protocol/wire-reader.ts'
import type { ConnectionBuffers } from '../answer-buffers.ts'
import type { Broker } from '../broker.ts'
import { completeMessage } from '../complete-message.ts'
import { countRequest } from '../metrics/counters.ts'
import type { Authentication } from '../security/authentication.ts'
import type { Principal } from '../security/principal.ts'

/** Who asks, and how. */
export interface RequestContext {
  readonly version: number
  /** As the client calls itself; may be empty. */
  readonly clientId: string
  readonly clientHost: string
  /** Counts up: of two connections the one that was opened later has the higher number. */
  readonly connection: number
  readonly principal: Principal
  /** How the client logs in. */
  readonly authentication: Authentication
  /** Name of the listener that the client came in through; empty in this process. */
  readonly listener: string
  /** Where this client reaches the broker, to be told in responses. */
  readonly advertised: Address
  /** The client is not listened to for so long, because of its quota. Null in this process, where quotas do not hold. */
  readonly mute: ((durationMs: number) => void) | null
  /** Closes the connection at once, with no answer to what is open. `why`: a sentence without its end. */
  readonly cut: (why: string) => void
  /**
   * Memory for the records of the answer, which may be used again once the answer was sent, or those that were taken are
   * discarded. Null in this process, where nobody knows when the records have been looked at.
   */
  readonly buffers: ConnectionBuffers | null
  /** Aborted when nobody waits for the answer any more or when the broker stops: what is parked must be answered. */
  readonly ended: AbortSignal
}

/** The bytes of a response, in pieces. */
export type Frame = readonly Buffer[]

/**
 * One API as the broker serves it. A handler gets a decoded request and returns the response, or null when the client
 * expects none; what goes wrong with one item of a request becomes that item's error code.
 */
export interface ApiHandler {
  readonly key: number
  readonly name: string
  /** Versions that are served. */
  readonly minVersion: number
  readonly maxVersion: number
  /** Lowest version that ApiVersions names; differs from `minVersion` only where old clients test for it. */
  readonly advertisedMinVersion: number
  /**
   * All that the order of requests matters for is done when the call returns, so that the next request of a connection may
   * begin before this one is answered, if it is of this kind too.
   */
  readonly overlaps: boolean
  /** Serves a request whose body the reader stands at. Throws PROTOCOL_ERROR when the bytes are not such a request. */
  serveBytes(
    broker: Broker,
    reader: WireReader,
    correlationId: number,
    context: RequestContext,
  ): Frame | null | Promise<Frame | null>
  /** Serves a request that was never encoded; null as above. */
  serveObject(broker: Broker, request: unknown, context: RequestContext): Promise<unknown>
}

export function apiHandler<DecodedRequest, ResponseInput>(
  api: Api<unknown, unknown, DecodedRequest, ResponseInput>,
  versions: { min: number; max: number; advertisedMin?: number; overlaps?: boolean },
  handle: (
    broker: Broker,
    request: DecodedRequest,
    context: RequestContext,
  ) => NoInfer<ResponseInput> | null | Promise<NoInfer<ResponseInput> | null>,
): ApiHandler {
  /** Hands over the response, and counts the request. */
  function served<Result extends ResponseInput | null>(
    broker: Broker,
    context: RequestContext,
    startedMs: number,
    response: Result,
  ): Result {
    const durationMs = broker.platform.clock.monotonic() - startedMs
    countRequest(broker.counters, api, context.version, durationMs, response)
    return response
  }

  return {
    key: api.key,
    name: api.name,
    minVersion: versions.min,
    maxVersion: versions.max,
    advertisedMinVersion: versions.advertisedMin ?? versions.min,
    overlaps: versions.overlaps ?? false,
    serveBytes(broker, reader, correlationId, context) {
      const started = broker.platform.clock.monotonic()
      const encode = (response: ResponseInput | null): Frame | null => {
        served(broker, context, started, response)
        return response === null
          ? null
          : encodeResponse(api, context.version, correlationId, response)
      }
      const response = handle(broker, decodeRequest(api, context.version, reader), context)
      return response instanceof Promise ? response.then(encode) : encode(response)
    },
    async serveObject(broker, request, context) {
      const started = broker.platform.clock.monotonic()
      const complete = completeMessage(api.request, context.version, request, 'request')
      return served(broker, context, started, await handle(broker, complete, context))
    },
  }
}
