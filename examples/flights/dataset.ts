import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { parse } from 'csv-parse/sync'

/** The flights and airports of the npm package `vega-datasets`, as the records that `load.ts` writes to topics. */
export interface Row {
  readonly key: string
  readonly value: string
}

/** 20,000 flights in order of departure, keyed by the airport they leave from. */
export function flights(): Row[] {
  const rows = JSON.parse(read('flights-20k.json')) as { origin: string }[]
  return rows.map(row => ({ key: row.origin, value: JSON.stringify(row) }))
}

/** 3,376 airports, keyed by IATA code. */
export function airports(): Row[] {
  const rows = parse(read('airports.csv'), { columns: true }) as { iata: string }[]
  return rows.map(row => ({ key: row.iata, value: JSON.stringify(row) }))
}

function read(name: string): string {
  const { resolve } = createRequire(import.meta.url)
  return readFileSync(resolve(`vega-datasets/data/${name}`), 'utf8')
}
