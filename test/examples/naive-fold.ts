import { airports, flights } from '../../examples/flights/dataset.ts'

/** The flights example, done the obvious way: one pass over the JSON. Keys are `city day-start`. */
export interface Delays {
  flights: number
  minutes: number
}

const dayMs = 86_400_000

export function naiveFold(): Map<string, Delays> {
  const places = new Map<string, string>()
  for (const { value } of airports()) {
    const { iata, name, city, state } = JSON.parse(value) as Record<string, string>
    places.set(iata ?? '', city === 'NA' ? (name ?? '') : `${city}, ${state}`)
  }
  const days = new Map<string, Delays>()
  for (const { value } of flights()) {
    const { date, delay, origin } = JSON.parse(value) as {
      date: string
      delay: number
      origin: string
    }
    if (delay <= 0) continue
    const day = Date.parse(`${date.slice(0, 10).replaceAll('/', '-')}T00:00Z`)
    const place = places.get(origin)
    if (place === undefined) continue
    const key = cityDay(place, day)
    const total = days.get(key) ?? { flights: 0, minutes: 0 }
    days.set(key, { flights: total.flights + 1, minutes: total.minutes + delay })
  }
  return days
}

export const cityDay = (city: string, windowStart: number): string =>
  `${city} ${Math.floor(windowStart / dayMs) * dayMs}`
