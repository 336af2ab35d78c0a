import { readFileSync } from 'node:fs'
import { findPackageJSON } from 'node:module'
import { join } from 'node:path'
import { parse } from 'csv-parse/sync'

/** The flights and airports of the npm package `vega-datasets`, as the records that `load.ts` writes to topics. */
export interface Row {
  readonly key: string
  readonly value: string
}

/** 20,000 flights in order of departure, keyed by the airport they leave from. */
export function flights(): Row[] {
  const rows: { origin: string }[] = JSON.parse(read('flights-20k.json'))
  return rows.map(row => ({ key: row.origin, value: JSON.stringify(row) }))
}

/** 3,376 airports, keyed by IATA code. */
export function airports(): Row[] {
  const rows = parse<{ iata: string }>(read('airports.csv'), { columns: true })
  return rows.map(row => ({ key: row.iata, value: JSON.stringify(row) }))
}

function read(name: string): string {
  const manifest = findPackageJSON('vega-datasets', import.meta.url)
  if (manifest === undefined) throw new Error('vega-datasets is not installed. Run npm ci.')
  return readFileSync(join(manifest, '../data', name), 'utf8')
}
