import { errorCode } from '../../protocol/error-codes.ts'
import { type Histogram, newHistogram, observe } from './histogram.ts'

/**
 * What a broker counts while it works: plain numbers, added to per request or batch and never per record. What can be read
 * off the broker when somebody asks (sizes, offsets, groups) is not counted here. `metric-definitions.ts` gives both their
 * names.
 */
export interface Counters {
  /** By API key. */
  readonly requests: RequestCounters[]
  /** By the name of the listener. */
  readonly listeners: Map<string, ListenerCounters>
  /** Fetch requests that wait for more records. */
  parkedFetches: number
  /** Looks for what may be deleted and compacted: how long they took together, and what failed. */
  readonly upkeep: { durationMs: number; failures: number }
}

/** The requests of one API. */
export interface RequestCounters {
  readonly apiName: string
  /** Requests by version. */
  readonly versions: number[]
  /** Error codes in responses, wherever in a response they stand; NONE is not counted. */
  readonly errors: Map<number, number>
  /** From the decoded request to the response, waits for records and for the disk included. */
  readonly times: Histogram
}

export interface ListenerCounters {
  /** Connections accepted since the start. */
  accepted: number
  /** Of these, closed. */
  closed: number
  /** Connections refused because there were `maxConnections`. */
  refused: number
  /** Connections refused because there were `maxConnectionsPerIp` from their address. */
  refusedPerIp: number
  /** Closed because nothing happened for `connectionsMaxIdleMs`. */
  closedIdle: number
  /** Closed because the rest of a request did not come within `requestReceiveTimeoutMs`. */
  closedUnfinished: number
  /** Closed because responses were not read and `queuedMaxResponseBytes` was reached. */
  closedSlow: number
  /** Closed because the client did not prove who it is. */
  failedLogins: number
  /** Closed because what came is not the protocol, or more than it allows. */
  closedProtocol: number
}

export interface TopicCounters {
  messagesIn: number
  bytesIn: number
  bytesOut: number
  /** Batches that were to be appended, and those of them that were refused. */
  produceRequests: number
  failedProduceRequests: number
  /** Reads of a partition, and those of them that were refused. */
  fetchRequests: number
  failedFetchRequests: number
}

export function newCounters(): Counters {
  return {
    requests: [],
    listeners: new Map(),
    parkedFetches: 0,
    upkeep: { durationMs: 0, failures: 0 },
  }
}

export function newTopicCounters(): TopicCounters {
  return {
    messagesIn: 0,
    bytesIn: 0,
    bytesOut: 0,
    produceRequests: 0,
    failedProduceRequests: 0,
    fetchRequests: 0,
    failedFetchRequests: 0,
  }
}

/** The counters of a listener, made when it is first asked for. */
export function listenerCounters(counters: Counters, name: string): ListenerCounters {
  const known = counters.listeners.get(name)
  if (known !== undefined) return known
  const made = {
    accepted: 0,
    closed: 0,
    refused: 0,
    refusedPerIp: 0,
    closedIdle: 0,
    closedUnfinished: 0,
    closedSlow: 0,
    failedLogins: 0,
    closedProtocol: 0,
  }
  counters.listeners.set(name, made)
  return made
}

/** Counts a request that was served with this response; null where the client expects none. */
export function countRequest(
  counters: Counters,
  api: { readonly key: number; readonly name: string },
  version: number,
  durationMs: number,
  response: unknown,
): void {
  const known = counters.requests[api.key]
  const requests = known ?? newRequestCounters(api.name)
  if (known === undefined) counters.requests[api.key] = requests
  requests.versions[version] = (requests.versions[version] ?? 0) + 1
  observe(requests.times, durationMs)
  if (isObject(response)) countErrors(response, requests.errors)
}

function newRequestCounters(apiName: string): RequestCounters {
  return { apiName, versions: [], errors: new Map(), times: newHistogram() }
}

/** For every response, so it makes no arrays of what is in it: ten times as fast as with `Object.entries`. */
function countErrors(message: object, errors: Map<number, number>): void {
  for (const name in message) {
    const value: unknown = Reflect.get(message, name)
    if (name === 'errorCode') {
      if (typeof value === 'number' && value !== errorCode.NONE)
        errors.set(value, (errors.get(value) ?? 0) + 1)
    } else if (Array.isArray(value)) {
      for (const item of value) {
        // All items of an array have one type: what is not an object in front is not one behind.
        if (!isObject(item)) break
        countErrors(item, errors)
      }
    }
  }
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null
