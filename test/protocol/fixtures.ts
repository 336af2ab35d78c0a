import { readFileSync } from 'node:fs'

/** One message as another client wrote or read it; see fixtures/README.md. */
export interface MessageFixture {
  readonly api: number
  readonly name: string
  readonly version: number
  readonly kind: 'request' | 'response'
  /** What the client was told to write, or what it read; null for Produce requests. */
  readonly value: unknown
  readonly bytes: Buffer
}

export interface BatchFixture {
  readonly codec: 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd'
  readonly bytes: Buffer
}

export const platformaticFixtures: MessageFixture[] = read('platformatic.json')
export const kafkaPythonFixtures: MessageFixture[] = read('kafka-python.json')
export const batchFixtures: BatchFixture[] = read('batches.json')

/** In the files, bytes are `{ hex }` and bigints `{ int64 }`. */
function read(file: string) {
  const text = readFileSync(new URL(`fixtures/${file}`, import.meta.url), 'utf8')
  return JSON.parse(text, (_, value) => {
    if (typeof value?.hex === 'string') return Buffer.from(value.hex, 'hex')
    if (typeof value?.int64 === 'string') return BigInt(value.int64)
    return value
  })
}
