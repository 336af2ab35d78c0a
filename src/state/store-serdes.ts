import { MillraceError } from '../errors.ts'
import type { Serde } from '../serde/serde.ts'
import type { StoreDefinition } from './store-definition.ts'

/** The serdes of a store, whose failures name the store. Kafka Streams' `StateSerdes`. */
export interface StoreSerdes {
  keyBytes(key: unknown): Buffer
  key(bytes: Buffer): unknown
  valueBytes(value: unknown): Buffer
  value(bytes: Buffer): unknown
}

export function storeSerdes({ name, key, value }: StoreDefinition): StoreSerdes {
  return {
    keyBytes(data) {
      if (data === null || data === undefined) throw noKey(name)
      return serialize(name, 'key', key, data)
    },
    key: bytes => deserialize(name, 'key', key, bytes),
    valueBytes: data => serialize(name, 'value', value, data),
    value: bytes => deserialize(name, 'value', value, bytes),
  }
}

function noKey(store: string): MillraceError {
  return new MillraceError(
    'SERDE_ERROR',
    `The state store ${store} was asked for the key null. Every row has a key: look at the record's before.`,
  )
}

function serialize(store: string, part: string, serde: Serde<unknown>, data: unknown): Buffer {
  try {
    return serde.serialize(data)
  } catch (cause) {
    throw failure(`A ${part} could not be written to`, store, part, serde, cause)
  }
}

function deserialize(store: string, part: string, serde: Serde<unknown>, bytes: Buffer): unknown {
  try {
    return serde.deserialize(bytes)
  } catch (cause) {
    throw failure(`A ${part} could not be read from`, store, part, serde, cause)
  }
}

function failure(
  what: string,
  store: string,
  part: string,
  serde: Serde<unknown>,
  cause: unknown,
): MillraceError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new MillraceError(
    'SERDE_ERROR',
    `${what} state store ${store} by its serde ${serde.name}: ${reason}. Check the ${part} serde of the store.`,
    { cause },
  )
}
