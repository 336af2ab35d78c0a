/** The flights example in the test driver: each record is processed and committed by itself. */
import assert from 'node:assert/strict'
import app, { Airport, Flight } from '../examples/flights/app.ts'
import { airports, flights } from '../examples/flights/dataset.ts'
import { json } from '../src/serde/json.ts'
import { string } from '../src/serde/string.ts'
import { TestDriver } from '../src/testing/test-driver.ts'
import { amount, throughput } from './measure.ts'

const rows = flights()
  .slice(0, amount(20_000))
  .map(({ key, value }) => ({ key, flight: Flight.parse(JSON.parse(value)) }))
const driver = new TestDriver(app)
const airport = driver.inputTopic('airports', { key: string(), value: json(Airport) })
const flight = driver.inputTopic('flights', { key: string(), value: json(Flight) })
for (const { key, value } of airports()) airport.pipe(key, Airport.parse(JSON.parse(value)))

await throughput('test driver, flights', 'records/s', () => {
  for (const { key, flight: value } of rows) flight.pipe(key, value)
  assert(driver.readProduced().length > 0)
  return rows.length
})
driver.close()
