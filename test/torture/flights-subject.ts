/** The flights example, with the naive fold of its data set beside it. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import type { z } from 'zod'
import { Airport, DayOfDelays, Flight } from '../../examples/flights/app.ts'
import { airports, flights, type Row } from '../../examples/flights/dataset.ts'
import type { LogClient } from '../../src/client/log-client.ts'
import { partitionForKey } from '../../src/protocol/murmur2.ts'
import { RecordBatchBuilder } from '../../src/protocol/record-batch-builder.ts'
import type { Generated } from './generator.ts'
import type { Lists } from './log-view.ts'
import type { Pace, Subject } from './subject.ts'

const PARTITIONS = 4
const DAY_MS = 86_400_000
/** Rows at a time, and how long to wait between: the data set lasts as long as the faults. */
const CHUNK = 25
const PAUSE_MS = 40

export const flightsSubject: Subject = {
  app: join(import.meta.dirname, '../../examples/flights/app.ts'),
  name: 'flight-delays',
  partitions: PARTITIONS,
  inputs: ['flights'],
  tables: ['airports'],
  repartitions: ['flight-delays-delays-repartition'],
  outputs: ['delays-by-city'],
  stores: { delays: { shownBy: 'delays-by-city', windowed: true } },
  progress: 'delays-by-city',
  write,
  verify,
}

/** All airports, then all flights: those that are left when there are no more faults at once. */
async function write(client: LogClient, { stopping }: Pace): Promise<Generated> {
  const producer = await client.producer()
  const send = async (topic: string, rows: readonly Row[]): Promise<void> => {
    const builders = Array.from({ length: PARTITIONS }, () => new RecordBatchBuilder())
    for (const { key, value } of rows) {
      const bytes = Buffer.from(key)
      builders[partitionForKey(bytes, PARTITIONS)]?.append(
        bytes,
        Buffer.from(value),
        Date.now(),
        [],
      )
    }
    const batches = builders.flatMap((builder, partition) =>
      builder.recordCount === 0 ? [] : [{ topic, partition, batch: builder.build() }],
    )
    await producer.send(batches)
  }
  await send('airports', airports())
  const rows = flights()
  let from = 0
  while (!stopping.aborted) {
    assert(from + CHUNK < rows.length, 'all flights were written before the last fault')
    await send('flights', rows.slice(from, (from += CHUNK)))
    await setTimeout(PAUSE_MS)
  }
  await send('flights', rows.slice(from))
  await producer.close()
  return { written: rows.length, aborted: 0, unknown: 0 }
}

type Totals = z.infer<typeof DayOfDelays>

/**
 * The last totals of each city and day are those of the data set, and on the way there each flight was counted once: every
 * record of the output counts one flight more than the one before it with its key.
 */
function verify(lists: Lists): void {
  const wanted = totalsOfDataSet()
  const found = new Map<string, Totals>()
  for (const [partition, entries] of (lists.get('delays-by-city') ?? []).entries()) {
    for (const [place, { key, value }] of entries.entries()) {
      const name = key ?? ''
      const totals = DayOfDelays.parse(JSON.parse(value ?? 'null'))
      const before = found.get(name)?.flights ?? 0
      const where = `record ${place} of delays-by-city-${partition}, ${JSON.stringify(name)}`
      assert.equal(totals.flights, before + 1, `${where} does not follow the one before`)
      found.set(name, totals)
    }
  }
  assert.deepEqual(found, wanted)
}

/** Keyed as the output is: by the city and the first millisecond of the day. */
function totalsOfDataSet(): Map<string, Totals> {
  const cities = new Map(
    airports().map(({ key, value }) => {
      const { city, state, name } = Airport.parse(JSON.parse(value))
      return [key, city === 'NA' ? name : `${city}, ${state}`]
    }),
  )
  const totals = new Map<string, Totals>()
  for (const { value } of flights()) {
    const { date, delay, origin } = Flight.parse(JSON.parse(value))
    const city = cities.get(origin)
    if (delay <= 0 || city === undefined) continue
    const day = Date.parse(`${date.slice(0, 10).replaceAll('/', '-')}T00:00:00Z`)
    const start = Buffer.alloc(8)
    start.writeBigInt64BE(BigInt(day - (day % DAY_MS)))
    const key = Buffer.concat([Buffer.from(city), start]).toString('latin1')
    const before = totals.get(key) ?? { flights: 0, minutes: 0 }
    totals.set(key, { flights: before.flights + 1, minutes: before.minutes + delay })
  }
  return totals
}
