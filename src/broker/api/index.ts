/**
 * Every API the broker serves. ApiVersions is answered and requests are dispatched from this one table: to add an API,
 * write its file and name it here.
 */
import type { ApiHandler } from './api-handler.ts'
import { produceHandler } from './00-produce.ts'
import { fetchHandler } from './01-fetch.ts'
import { listOffsetsHandler } from './02-list-offsets.ts'
import { metadataHandler } from './03-metadata.ts'
import { apiVersionsHandler } from './18-api-versions.ts'
import { createTopicsHandler } from './19-create-topics.ts'
import { initProducerIdHandler } from './22-init-producer-id.ts'

const all: readonly ApiHandler[] = [
  produceHandler,
  fetchHandler,
  listOffsetsHandler,
  metadataHandler,
  apiVersionsHandler(() => handlers.values()),
  createTopicsHandler,
  initProducerIdHandler,
]

/** By API key. */
export const handlers: ReadonlyMap<number, ApiHandler> = new Map(
  all.map(handler => [handler.key, handler]),
)
