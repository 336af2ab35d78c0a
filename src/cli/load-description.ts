import { resolve } from 'node:path'
import process from 'node:process'
import { z } from 'zod'
import { MillraceError } from '../errors.ts'
import type { Platform } from '../platform/platform.ts'
import type { TopologyDescription } from '../topology/topology-description.ts'

/**
 * Reads a description that `millrace describe --json` has printed. Throws INVALID_CONFIG when the file is missing or holds
 * something else.
 */
export function loadDescription(path: string, platform: Platform): TopologyDescription {
  const file = resolve(process.cwd(), path)
  const bytes = platform.files.read(file)
  if (bytes === undefined) throw invalid(`There is no file ${file}. Check the path.`)
  try {
    return description.parse(JSON.parse(bytes.toString()))
  } catch (cause) {
    const reason = cause instanceof z.ZodError ? z.prettifyError(cause) : String(cause)
    throw invalid(
      `${file} is not what millrace describe --json prints. Make it anew with the version that runs. ${reason}`,
      cause,
    )
  }
}

function invalid(message: string, cause?: unknown): MillraceError {
  return new MillraceError('INVALID_CONFIG', message, { cause })
}

const names = z.array(z.string())
const serdes = { key: z.string(), value: z.string() }
const node = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('source'),
    name: z.string(),
    topics: names,
    pattern: z.string().exactOptional(),
    ...serdes,
    successors: names,
  }),
  z.object({
    kind: z.literal('processor'),
    name: z.string(),
    stores: names,
    predecessors: names,
    successors: names,
  }),
  z.object({
    kind: z.literal('sink'),
    name: z.string(),
    topic: z.string().nullable(),
    ...serdes,
    predecessors: names,
  }),
])
const store = z.object({
  kind: z.string(),
  name: z.string(),
  ...serdes,
  changelogTopic: z.string().nullable(),
  isInMemory: z.boolean(),
  retentionMs: z.number().exactOptional(),
  windowSizeMs: z.number().exactOptional(),
})
const description = z.object({
  applicationId: z.string(),
  subtopologies: z.array(
    z.object({
      id: z.number(),
      nodes: z.array(node),
      stores: z.array(store),
      copartitioned: z.array(names),
    }),
  ),
  globalStores: z.array(z.object({ id: z.number(), nodes: z.array(node), store })),
  internalTopics: z.array(
    z.object({
      name: z.string(),
      kind: z.literal(['repartition', 'changelog']),
      partitions: z.number().exactOptional(),
      configs: z.record(z.string(), z.string()),
    }),
  ),
})
