/**
 * Records as JSON, one a line: what `millrace consume` prints and `millrace produce --json` takes, so that one can be piped into
 * the other. Keys and values are texts; bytes that are none stand as `{ "base64": … }`.
 */
import { z } from 'zod'
import { MillraceError } from '../errors.ts'
import type { RecordHeader } from '../protocol/record-batch-builder.ts'

const bytes = z.union([z.string(), z.object({ base64: z.base64() }), z.null()])

type JsonBytes = z.infer<typeof bytes>

/** As it is consumed; whoever produces gives what matters, and the rest is left to the log. */
export interface JsonRecord {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly timestamp: number
  readonly key: JsonBytes
  readonly value: JsonBytes
  readonly headers?: readonly (readonly [string, JsonBytes])[]
}

const produced = z.object({
  partition: z.int().min(0).exactOptional(),
  timestamp: z.int().min(0).exactOptional(),
  key: bytes.default(null),
  value: bytes.default(null),
  headers: z.array(z.tuple([z.string(), bytes])).default([]),
})

/** What is to be written. */
export interface ProducedRecord {
  readonly partition?: number
  readonly timestamp?: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly RecordHeader[]
}

export function toJsonBytes(content: Buffer | null): JsonBytes {
  if (content === null) return null
  const text = content.toString()
  return Buffer.from(text).equals(content) ? text : { base64: content.toString('base64') }
}

/** Throws INVALID_CONFIG, which says what a line looks like, for one that is no record. `line` counts from 1. */
export function parseRecord(text: string, line: number): ProducedRecord {
  try {
    const { key, value, headers, ...place } = produced.parse(JSON.parse(text))
    return {
      ...place,
      key: fromJsonBytes(key),
      value: fromJsonBytes(value),
      headers: headers.map(([name, content]) => ({ key: name, value: fromJsonBytes(content) })),
    }
  } catch (cause) {
    const reason = cause instanceof z.ZodError ? z.prettifyError(cause) : String(cause)
    throw new MillraceError(
      'INVALID_CONFIG',
      `Line ${line} is no record: ${reason.replaceAll('\n', ' ')}. One looks like ` +
        `{"key":"a","value":"b","headers":[["name","c"]],"timestamp":0}; all of it may be left out.`,
      { cause },
    )
  }
}

function fromJsonBytes(content: JsonBytes): Buffer | null {
  if (content === null) return null
  return typeof content === 'string' ? Buffer.from(content) : Buffer.from(content.base64, 'base64')
}
