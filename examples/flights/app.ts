import { type ReadOnlyWindowStore, defineApp, json, string, tumbling } from 'millrace'
import { z } from 'zod'

/** A row of `flights`: one departure of the first three months of 2001. Dates are local times such as 2001/01/31 18:20. */
export const Flight = z.object({
  date: z.string(),
  delay: z.number(),
  distance: z.number(),
  origin: z.string(),
  destination: z.string(),
})

/** A row of `airports`, keyed by its IATA code. */
export const Airport = z.object({ name: z.string(), city: z.string(), state: z.string() })

export const CityDelay = z.object({ city: z.string(), delay: z.number() })

/** What the store `delays` and the topic `delays-by-city` hold per city and day. Delays are minutes. */
export const DayOfDelays = z.object({ flights: z.number(), minutes: z.number() })

/** The store `delays`, as a query sees it: keyed by city, windows are days. */
export type Delays = ReadOnlyWindowStore<string, z.infer<typeof DayOfDelays>>

/** The day of a flight, wherever it departs, is the day on its ticket: local times are taken as if they were UTC. */
const departure = (flight: z.infer<typeof Flight>): number =>
  Date.parse(`${flight.date.replaceAll('/', '-').replace(' ', 'T')}Z`)

/** Some airports stand outside of any city. */
const placeOf = (airport: z.infer<typeof Airport>): string =>
  airport.city === 'NA' ? airport.name : `${airport.city}, ${airport.state}`

/** Which cities had the longest delays on which day? */
export default defineApp('flight-delays', builder => {
  const airports = builder.globalTable('airports', { key: string(), value: json(Airport) })
  builder
    .stream('flights', { key: string(), value: json(Flight), timestamp: departure })
    .filter((_, flight) => flight.delay > 0)
    .join(
      airports,
      (_, flight) => flight.origin,
      (flight, airport) => ({ city: placeOf(airport), delay: flight.delay }),
    )
    .groupBy((_, { city }) => city, { key: string(), value: json(CityDelay) })
    // Partitions are read independently, so a record may be behind another by as much as the input is long.
    .windowedBy(tumbling({ days: 1 }, { grace: { days: 90 } }))
    .aggregate(
      () => ({ flights: 0, minutes: 0 }),
      (_, { delay }, day) => ({ flights: day.flights + 1, minutes: day.minutes + delay }),
      { store: 'delays', value: json(DayOfDelays) },
    )
    .toStream()
    .to('delays-by-city')
})
