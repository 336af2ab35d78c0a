import { json, string, windowed } from 'millrace'
import { TestDriver } from 'millrace/testing'
import { expect, test } from 'vitest'
import app, { Airport, DayOfDelays, Flight } from './app.ts'

const day = 86_400_000

function drive() {
  const driver = new TestDriver(app)
  return {
    driver,
    airports: driver.inputTopic('airports', { key: string(), value: json(Airport) }),
    flights: driver.inputTopic('flights', { key: string(), value: json(Flight) }),
    delays: driver.outputTopic('delays-by-city', {
      key: windowed(string(), day),
      value: json(DayOfDelays),
    }),
  }
}

const flight = (date: string, delay: number, origin: string) => ({
  date,
  delay,
  distance: 500,
  origin,
  destination: 'LAS',
})

test('late departures are counted by city and day; early ones and unknown airports are not', () => {
  const { airports, flights, delays } = drive()
  airports.pipe('PDX', { name: 'Portland Intl', city: 'Portland', state: 'OR' })
  flights.pipe('PDX', flight('2001/01/31 23:59', 30, 'PDX'))
  flights.pipe('PDX', flight('2001/02/01 00:00', 5, 'PDX'))
  flights.pipe('PDX', flight('2001/02/01 10:00', -5, 'PDX'))
  flights.pipe('XXX', flight('2001/02/01 11:00', 90, 'XXX'))
  flights.pipe('PDX', flight('2001/01/31 08:00', 10, 'PDX'))
  expect(delays.readAll().map(({ key, value }) => [key?.key, key?.window.start, value])).toEqual([
    ['Portland, OR', Date.UTC(2001, 0, 31), { flights: 1, minutes: 30 }],
    ['Portland, OR', Date.UTC(2001, 1, 1), { flights: 1, minutes: 5 }],
    ['Portland, OR', Date.UTC(2001, 0, 31), { flights: 2, minutes: 40 }],
  ])
})
