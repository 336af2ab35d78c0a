import { json, string, windowed } from 'millrace'
import { TestDriver } from 'millrace/testing'
import { expect, test } from 'vitest'
import app, { Airport, DayOfDelays, Flight } from '../../examples/flights/app.ts'
import { airports, flights } from '../../examples/flights/dataset.ts'
import { cityDay, naiveFold } from './naive-fold.ts'

test('in the test driver every (city, day) equals the naive fold of the JSON', () => {
  const driver = new TestDriver(app)
  const input = {
    airports: driver.inputTopic('airports', { key: string(), value: json(Airport) }),
    flights: driver.inputTopic('flights', { key: string(), value: json(Flight) }),
  }
  for (const { key, value } of airports())
    input.airports.pipe(key, Airport.parse(JSON.parse(value)))
  for (const { key, value } of flights()) input.flights.pipe(key, Flight.parse(JSON.parse(value)))
  const output = driver.outputTopic('delays-by-city', {
    key: windowed(string(), 86_400_000),
    value: json(DayOfDelays),
  })
  const results = new Map(
    output
      .readAll()
      .map(({ key, value }) => [cityDay(key?.key ?? '', key?.window.start ?? 0), value]),
  )
  expect(results).toEqual(naiveFold())
})
