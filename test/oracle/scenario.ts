import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'

import { z } from 'zod'

import { program } from './programs/program.ts'

/** A value as the files have it: a windowed key is an object, all else a JSON scalar. */
const datum = z.union([
  z.string(),
  z.number(),
  z.null(),
  z.object({
    key: z.string(),
    start: z.number(),
    end: z.union([z.number(), z.literal('unlimited')]),
  }),
])
export type Datum = z.infer<typeof datum>

const headers = z.array(z.tuple([z.string(), z.string().nullable()]))

const step = z.union([
  z.object({
    pipe: z.string(),
    key: datum,
    value: datum,
    timestamp: z.number(),
    headers: headers.optional(),
  }),
  z.object({ advance: z.number() }),
  z.object({ close: z.literal(true) }),
])

const output = z.object({
  after: z.number(),
  topic: z.string(),
  key: datum,
  value: datum,
  timestamp: z.number(),
  headers: headers.optional(),
})
export type Output = z.infer<typeof output>

const storeEntry = z.object({ key: datum, value: datum, timestamp: z.number().optional() })
export type StoreEntry = z.infer<typeof storeEntry>

const scenario = z.object({
  name: z.string(),
  family: z.string(),
  topology: z.array(z.string()),
  config: z.record(z.string(), z.string()),
  wallClock: z.number().default(0),
  topics: z.record(z.string(), z.object({ key: z.string(), value: z.string() })).default({}),
  steps: z.array(step).default([]),
  outputs: z.array(output).default([]),
  order: z.enum(['total', 'per-topic', 'per-key']).default('total'),
  stores: z
    .record(z.string(), z.object({ type: z.string(), entries: z.array(storeEntry).default([]) }))
    .default({}),
  logs: z.array(z.object({ line: z.string() })).default([]),
  internalTopics: z.array(z.string()).default([]),
  droppedRecords: z.number().default(0),
  error: z
    .object({
      after: z.union([z.number(), z.literal(['build', 'start'])]),
      message: z.string().nullable().default(null),
    })
    .optional(),
  describe: z.string().optional(),
  /** The topology as calls that our DSL can make too. */
  program: program.optional(),
})

/** What Kafka Streams did with a topology: one file of `scenarios/`. */
export type Scenario = z.infer<typeof scenario>

const folder = path.join(import.meta.dirname, 'scenarios')

export const families: readonly string[] = existsSync(folder) ? readdirSync(folder) : []

export function scenariosOf(family: string): Scenario[] {
  return readdirSync(path.join(folder, family))
    .filter(file => file.endsWith('.json'))
    .map(file => parseScenario(readFileSync(path.join(folder, family, file), 'utf8')))
}

export function parseScenario(text: string): Scenario {
  return scenario.parse(JSON.parse(text))
}
