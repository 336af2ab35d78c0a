import { z } from 'zod'

import { StreamsBuilder } from '../../src/dsl/streams-builder.ts'
import { TopologyBuilder } from '../../src/dsl/topology-builder.ts'
import { double, integer, long } from '../../src/serde/numbers.ts'
import type { Serde } from '../../src/serde/serde.ts'
import { string } from '../../src/serde/string.ts'
import { sessionWindowed, windowed } from '../../src/serde/windowed.ts'
import {
  type ProducedRecord,
  TestDriver,
  type TestVersionedStore,
} from '../../src/testing/index.ts'
import type { Optimization, Optimizations } from '../../src/topology/optimization.ts'
import type { Topology } from '../../src/topology/topology.ts'
import type { Datum, Output, Scenario, StoreEntry } from './scenario.ts'
import { isTaskSetting, taskConfigOf } from './task-settings.ts'
import { type BuildTopology, lines } from './topologies/shared.ts'

export type { BuildTopology }

/** What a scenario shows, as far as it can be compared. */
export interface Shown {
  readonly outputs: readonly Output[]
  /** Calls of user functions. */
  readonly logs: readonly string[]
  readonly stores: Stores
  readonly internalTopics: readonly string[]
  readonly droppedRecords: number
  /** The step that failed; the outputs end before it, and nothing else is compared. */
  readonly failed: number | 'build or start' | undefined
}

const nothing: Shown = {
  outputs: [],
  logs: [],
  stores: {},
  internalTopics: [],
  droppedRecords: 0,
  failed: undefined,
}

/** Plays a scenario on the test driver: what Millrace shows. */
export function play(scenario: Scenario, build: BuildTopology): Shown {
  lines.length = 0
  let topology: Topology
  let driver: TestDriver
  try {
    topology = compile(scenario, build)
    driver = new TestDriver(topology, {
      startTimeMs: scenario.wallClock,
      ...taskConfigOf(scenario.config),
    })
  } catch (error) {
    if (scenario.error === undefined) throw error
    return { ...nothing, failed: 'build or start' }
  }
  const outputs: Output[] = []
  for (const [after, step] of scenario.steps.entries()) {
    try {
      if ('pipe' in step) pipe(driver, scenario, step)
      else if ('advance' in step) driver.advance(step.advance)
      else driver.close()
    } catch (error) {
      if (scenario.error === undefined) throw error
      return { ...nothing, outputs: inComparableOrder(outputs, scenario), failed: after }
    }
    for (const record of driver.readProduced()) {
      const decoded = decode(scenario, record, after)
      if (decoded !== undefined) outputs.push(decoded)
    }
  }
  return {
    outputs: inComparableOrder(outputs, scenario),
    logs: [...lines],
    stores: storesOf(driver, scenario),
    internalTopics: producedInternalTopics(driver, topology),
    droppedRecords: driver.droppedRecords,
    failed: undefined,
  }
}

/** What Kafka Streams showed. */
export function recorded(scenario: Scenario, build: BuildTopology): Shown {
  const { error } = scenario
  const outputs = inComparableOrder(scenario.outputs.map(withoutJava), scenario)
  if (error !== undefined) {
    const failed = typeof error.after === 'number' ? error.after : 'build or start'
    return { ...nothing, outputs, failed }
  }
  return {
    outputs,
    logs: scenario.logs.map(({ line }) => line),
    stores: expectedStores(scenario, build),
    internalTopics: scenario.internalTopics.toSorted(byText),
    droppedRecords: scenario.droppedRecords,
    failed: undefined,
  }
}

/** Why the scenario is not one for the test driver as it is; undefined when it is. */
export function unsupported(scenario: Scenario): string | undefined {
  for (const [name, value] of Object.entries(scenario.config)) {
    if (supportedConfig[name] !== undefined && !supportedConfig[name].includes(value)) {
      return `${name}=${value}`
    }
    if (supportedConfig[name] === undefined && !isTaskSetting(name, value)) {
      return `${name}=${value}`
    }
  }
  return undefined
}

const supportedConfig: Readonly<Record<string, readonly string[] | undefined>> = {
  'application.id': ['oracle'],
  'topology.optimization': [
    'none',
    'all',
    'reuse.ktable.source.topics',
    'merge.repartition.topics',
    'single.store.self.join',
  ],
  'processing.guarantee': ['at_least_once', 'exactly_once_v2'],
}

/** Compiles the topology as the scenario's settings have it. */
export function compile({ config }: Pick<Scenario, 'config'>, build: BuildTopology): Topology {
  const builder = new StreamsBuilder()
  const byHand = new TopologyBuilder()
  const applicationId = config['application.id'] ?? 'oracle'
  if (build(builder, byHand) === byHand) return byHand.build(applicationId)
  const optimization = optimizations(config['topology.optimization'] ?? 'none')
  return builder.build(applicationId, { optimization })
}

/** Kafka's setting is a word or a list with commas. */
function optimizations(setting: string): Optimizations {
  if (setting === 'all' || setting === 'none') return setting
  return setting.split(',').map(name => {
    const optimization = optimizationNames[name.trim()]
    if (optimization === undefined) throw new Error(`there is no optimization ${name}`)
    return optimization
  })
}

const optimizationNames: Readonly<Record<string, Optimization | undefined>> = {
  'reuse.ktable.source.topics': 'reuseKTableSourceTopics',
  'merge.repartition.topics': 'mergeRepartitionTopics',
  'single.store.self.join': 'singleStoreSelfJoin',
}

/** Headers whose values name Java's classes. */
const javaOnly = new Set(['__streams.errors.exception', '__streams.errors.stacktrace'])

function withoutJava({ headers, ...output }: Output): Output {
  if (headers === undefined) return output
  return {
    ...output,
    headers: headers.map(([key, value]): [string, string | null] => [
      key,
      javaOnly.has(key) ? '...' : value,
    ]),
  }
}

type Pipe = Extract<Scenario['steps'][number], { pipe: string }>

function pipe(driver: TestDriver, scenario: Scenario, step: Pipe): void {
  const topic = driver.inputTopic(step.pipe, serdesOf(scenario, step.pipe))
  topic.pipe(toMemory(step.key), toMemory(step.value), {
    timestamp: step.timestamp,
    headers: (step.headers ?? []).map(([key, text]) => ({
      key,
      value: text === null ? null : Buffer.from(text),
    })),
  })
}

/** The record as the files have it; undefined for one that the scenario does not show. */
function decode(scenario: Scenario, record: ProducedRecord, after: number): Output | undefined {
  const { topic, timestamp, headers } = record
  const formats = scenario.topics[topic]
  if (formats === undefined) return undefined
  // Expired windows are deleted in their changelog, which Kafka Streams leaves to the retention of the topic.
  if (record.value === null && formats.key.startsWith('changelog')) return undefined
  const serdes = serdesOf(scenario, topic)
  return {
    after,
    topic,
    key: record.key === null ? null : toFile(serdes.key.deserialize(record.key)),
    value: record.value === null ? null : toFile(serdes.value.deserialize(record.value)),
    timestamp,
    ...(headers.length > 0 && {
      headers: headers.map(({ key, value }): [string, string | null] => [
        key,
        javaOnly.has(key) ? '...' : (value?.toString() ?? null),
      ]),
    }),
  }
}

function serdesOf(
  scenario: Scenario,
  topic: string,
): { key: Serde<unknown>; value: Serde<unknown> } {
  const formats = scenario.topics[topic]
  if (formats === undefined) throw new Error(`${scenario.name} has no formats for ${topic}`)
  return { key: serdeOf(formats.key), value: serdeOf(formats.value) }
}

function serdeOf(format: string): Serde<unknown> {
  const [, kind, size] = /^(\w+)(?:\((\d+)\))?$/.exec(format) ?? []
  switch (kind) {
    case 'string':
      return string()
    case 'long':
      return long()
    case 'integer':
      return integer()
    case 'double':
      return double()
    case 'windowed':
      return windowed(string(), sizeOf(Number(size)))
    case 'session':
      return sessionWindowed(string())
    case 'changelog': {
      // The key of a window store's changelog has a sequence number behind the start.
      const serde = windowed(string(), Number(size))
      return {
        name: format,
        serialize: key => Buffer.concat([serde.serialize(windowedKey.parse(key)), Buffer.alloc(4)]),
        deserialize: bytes => serde.deserialize(bytes.subarray(0, -4)),
      }
    }
    default:
      throw new Error(`there is no serde for ${format}`)
  }
}

/** The size of unlimited windows is Java's largest number. */
const sizeOf = (size: number): number => (Number.isSafeInteger(size) ? size : Infinity)

function toMemory(datum: Datum): unknown {
  if (datum === null || typeof datum !== 'object') return datum
  const { key, start, end } = datum
  return { key, window: { start, end: end === 'unlimited' ? Infinity : end } }
}

const windowedKey = z.object({
  key: z.string(),
  window: z.object({ start: z.number(), end: z.number().or(z.literal(Infinity)) }),
})

function toFile(value: unknown): Datum {
  if (typeof value === 'string' || typeof value === 'number') return value
  const { key, window } = windowedKey.parse(value)
  return { key, start: window.start, end: toEnd(window.end) }
}

/**
 * Where the order across topics or keys means nothing, a stable one. That of changelogs never does: here they are written
 * when a step is committed, in Kafka Streams with each put.
 */
function inComparableOrder(outputs: readonly Output[], scenario: Scenario): Output[] {
  const group = ({ after, topic, key }: Output): string => {
    const step = String(after).padStart(6)
    if (scenario.order === 'per-key') return `${step} ${topic} ${JSON.stringify(key)}`
    return scenario.order === 'per-topic' || scenario.internalTopics.includes(topic)
      ? `${step} ${topic}`
      : step
  }
  return outputs.toSorted((a, b) => byText(group(a), group(b)))
}

const toEnd = (end: number): number | 'unlimited' => (end === Infinity ? 'unlimited' : end)

type Stores = Record<string, StoreEntry[]>

function expectedStores(scenario: Scenario, build: BuildTopology): Stores {
  const isCached = scenario.config['statestore.cache.max.bytes'] !== '0'
  const retentions = isCached ? retentionsOf(compile(scenario, build)) : null
  return Object.fromEntries(
    Object.entries(scenario.stores).map(([name, { entries }]) => [
      name,
      sorted(withoutExpired(entries, retentions?.get(name))),
    ]),
  )
}

/**
 * Behind a cache, Kafka Streams shows windows and sessions whose retention has passed as long as the cache happens to hold them.
 * Here they are not shown.
 */
function withoutExpired(
  entries: readonly StoreEntry[],
  { by, retentionMs }: Retention = { by: 'start', retentionMs: Infinity },
): readonly StoreEntry[] {
  const timeOf = ({ key }: StoreEntry): number =>
    key !== null && typeof key === 'object' ? Number(key[by]) : 0
  const oldest = Math.max(...entries.map(timeOf)) - retentionMs
  return entries.filter(entry => timeOf(entry) > oldest)
}

interface Retention {
  readonly by: 'start' | 'end'
  readonly retentionMs: number
}

function retentionsOf({ subtopologies }: Topology): ReadonlyMap<string, Retention> {
  const retentions = new Map<string, Retention>()
  for (const store of subtopologies.flatMap(part => part.stores)) {
    if (!('retentionMs' in store)) continue
    const by = store.kind === 'session' ? 'end' : 'start'
    // A store that is ordered by time shows a millisecond more.
    const moreMs = 'windowSizeMs' in store && store.timeIndex === true && !store.inMemory ? 1 : 0
    retentions.set(store.name, { by, retentionMs: store.retentionMs + moreMs })
  }
  return retentions
}

function storesOf(driver: TestDriver, scenario: Scenario): Stores {
  const stores: Stores = {}
  for (const [name, { type, entries }] of Object.entries(scenario.stores)) {
    const timed = (timestamp: number) => (type.startsWith('timestamped') ? { timestamp } : {})
    if (type === 'timestampedKeyValue' || type === 'keyValue') {
      stores[name] = sorted(
        driver
          .keyValueStore(name)
          .rows()
          .map(({ key, value, timestamp }) => ({
            key: toFile(key),
            value: toFile(value),
            ...timed(timestamp),
          })),
      )
    } else if (type === 'timestampedWindow' || type === 'window') {
      const sizeMs = windowSize(entries)
      stores[name] = sorted(
        driver
          .windowStore<string, unknown>(name)
          .rows()
          .map(({ key, windowStart, value, timestamp }) => ({
            key: { key, start: windowStart, end: toEnd(windowStart + sizeMs) },
            value: toFile(value),
            ...timed(timestamp),
          })),
      )
    } else if (type === 'session') {
      stores[name] = sorted(
        driver
          .sessionStore<string, unknown>(name)
          .rows()
          .map(({ key, start, end, value }) => ({
            key: { key, start, end },
            value: toFile(value),
          })),
      )
    } else if (type === 'versioned') {
      const store = driver.versionedStore<string, unknown>(name)
      stores[name] = sorted(versionsOf(store, scenario))
    } else {
      throw new Error(`the test driver has no stores of type ${type}`)
    }
  }
  return stores
}

/** One entry for each version that is shown at the times that were piped. */
function versionsOf(store: TestVersionedStore<string, unknown>, { steps }: Scenario): StoreEntry[] {
  const pipes = steps.flatMap(step => ('pipe' in step ? [step] : []))
  const keys = new Set(pipes.flatMap(({ key }) => (typeof key === 'string' ? [key] : [])))
  const times = new Set(pipes.map(({ timestamp }) => timestamp))
  const entries = new Map<string, StoreEntry>()
  for (const key of keys) {
    for (const time of times) {
      const version = store.get(key, time)
      if (version === undefined) continue
      const { value, timestamp } = version
      entries.set(`${key} ${timestamp}`, { key, value: toFile(value), timestamp })
    }
  }
  return [...entries.values()]
}

/** The files know the size only through their rows; a store without rows needs none. */
function windowSize(entries: readonly StoreEntry[]): number {
  for (const { key } of entries) {
    if (key === null || typeof key !== 'object') continue
    return key.end === 'unlimited' ? Infinity : key.end - key.start
  }
  return 0
}

const sorted = (entries: readonly StoreEntry[]): StoreEntry[] =>
  entries.toSorted((a, b) => byText(sortKey(a), sortKey(b)))

function sortKey({ key, timestamp = 0 }: StoreEntry): string {
  const time = (each: number | string): string => String(each).padStart(20, '0')
  if (key === null || typeof key !== 'object') return `${key} ${time(timestamp)}`
  return `${key.key} ${time(key.start)} ${time(key.end)}`
}

function producedInternalTopics(driver: TestDriver, { internalTopics }: Topology): string[] {
  const internal = new Set(internalTopics.map(({ name }) => name))
  return driver.producedTopics.filter(name => internal.has(name)).toSorted(byText)
}

const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
