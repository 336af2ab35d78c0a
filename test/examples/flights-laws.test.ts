import * as fc from 'fast-check'
import { json, string } from 'millrace'
import { inputRecords, laws } from 'millrace/testing/properties'
import { describe, test } from 'vitest'
import app, { Airport, Flight } from '../../examples/flights/app.ts'

/** The laws of the property kit for the flights example: its results depend on its records alone. */
const day = 86_400_000
const airports = { key: string(), value: json(Airport) }
const names = ['PDX', 'SFO', 'OAK', 'BOS']
const given = names.map(key => ({
  topic: 'airports' as const,
  key,
  value: { name: `${key} Intl`, city: key === 'OAK' ? 'NA' : 'Somewhere', state: 'US' },
  timestamp: 0,
}))

/** Flights of that many days, some of them early, some from airports that nobody knows. */
const flightsOf = (days: number) =>
  inputRecords({
    topics: {
      airports: {
        ...airports,
        keys: ['XXX'],
        values: fc.constant({ name: 'X', city: 'X', state: 'X' }),
      },
      flights: {
        key: string(),
        keys: [...names, 'XXX'],
        value: json(Flight),
        values: fc.record({
          date: fc
            .integer({ min: 0, max: days * 24 })
            .map(hours => new Date(Date.UTC(2001, 0, 1, hours)).toISOString())
            .map(iso => iso.slice(0, 16).replaceAll('-', '/').replace('T', ' ')),
          delay: fc.integer({ min: -10, max: 90 }),
          distance: fc.constant(500),
          origin: fc.constantFrom(...names),
          destination: fc.constant('LAS'),
        }),
      },
    },
    maxLength: 40,
  })

describe('flights', () => {
  test('sameUnderInterleaving', () =>
    laws.sameUnderInterleaving(app, flightsOf(80), { given, partitions: 4 }))
  test('sameUnderBatching', () => laws.sameUnderBatching(app, flightsOf(80), { given }))
  test('sameUnderRestarts', () => laws.sameUnderRestarts(app, flightsOf(80), { given }))
  test('sameUnderCaching', () => laws.sameUnderCaching(app, flightsOf(80), { given }))
  test('lateRecordsChangeNothing', () =>
    laws.lateRecordsChangeNothing(app, flightsOf(400), { given, closedAfterMs: 90 * day }))
})
