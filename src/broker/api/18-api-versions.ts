/**
 * ApiVersions: what this broker serves, the first question of every client.
 *
 * Versions: 0-4.
 *
 * Behaviour: answered from the table in `api/index.ts`. A version above 4 is answered by the server with the version 0
 * body, UNSUPPORTED_VERSION and the range of this API, so that the client can ask again (KIP-511).
 *
 * Differs from Apache Kafka: no features are named, which keeps clients at the first version of the transaction and
 * group protocols. Name and version of the client's software are not checked.
 */
import { errorCode } from '../../protocol/error-codes.ts'
import { apiVersions } from '../../protocol/messages/18-api-versions.ts'
import { encodeResponse } from '../../protocol/frame.ts'
import { apiHandler, type ApiHandler, type Frame } from './api-handler.ts'

const RANGE = { min: 0, max: 4 }

/** `served` is asked at each request, so that the table can hold this handler too. */
export function apiVersionsHandler(served: () => Iterable<ApiHandler>): ApiHandler {
  return apiHandler(apiVersions, RANGE, () => ({
    errorCode: errorCode.NONE,
    apiKeys: [...served()].map(({ key, advertisedMinVersion, maxVersion }) => ({
      apiKey: key,
      minVersion: advertisedMinVersion,
      maxVersion,
    })),
  }))
}

/** The answer to a version that is not known, readable by every client. */
export function unsupportedApiVersions(correlationId: number): Frame {
  return encodeResponse(apiVersions, 0, correlationId, {
    errorCode: errorCode.UNSUPPORTED_VERSION,
    apiKeys: [{ apiKey: apiVersions.key, minVersion: RANGE.min, maxVersion: RANGE.max }],
  })
}
