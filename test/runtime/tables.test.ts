import { expect, test } from 'vitest'
import { defineApp } from '../../src/dsl/define-app.ts'
import { nodePlatform } from '../../src/platform/node-platform.ts'
import { startApplication } from '../../src/runtime/application.ts'
import { string } from '../../src/serde/string.ts'
import type { ReadOnlyKeyValueStore } from '../../src/state/stores.ts'
import { logs } from './logs.ts'
import { type TestRecord, produce, record, temporaryFolder } from './testbed.ts'

const text = { key: string(), value: string() }

/** People by the country of their city; a city without a country is in none. */
const census = defineApp('census', builder => {
  const { cities, people } = builder
    .stream('in', text)
    .split()
    .branch(key => key.startsWith('city'), { name: 'cities' })
    .defaultBranch({ name: 'people' })
  const countryOf = cities.toTable()
  people
    .toTable()
    .groupBy((_, city) => [city, city], text)
    .count()
    .join(countryOf, (count, country) => `${country} ${count}`)
    .groupBy((city, counted) => [counted.split(' ')[0] ?? '', `${city}: ${counted}`], text)
    .aggregate(
      (): string[] => [],
      (_, line, lines) => [...lines, line].toSorted(),
      (_, line, lines) => lines.filter(other => other !== line),
      { store: 'lines' },
    )
})

test.each(logs)('tables joined and grouped over three partitions on %s', async (_, openLog) => {
  using folder = temporaryFolder()
  await using log = await openLog()
  const client = log.client()
  await client.createTopics([{ name: 'in', partitions: 3 }])
  const options = { client, platform: nodePlatform(), stateFolder: folder.path }
  const cities = Array.from({ length: 7 }, (__, i) => record(`city-${i}`, `country-${i % 3}`))
  const people = (shift: number): TestRecord[] =>
    Array.from({ length: 100 }, (__, i) => record(`person-${i}`, `city-${(i * shift) % 8}`))

  for (const records of [[...cities, ...people(1)], people(3)]) {
    await produce(client, 'in', records)
    await using application = await startApplication(census, options)
    await application.untilEnd()
    const expected: Record<string, string[]> = {}
    for (const { key, value } of cities) {
      const count = records.filter(person => person.value === key).length
      ;(expected[`${value}`] ??= []).push(`${key}: ${value} ${count}`)
    }
    const store = application.store<ReadOnlyKeyValueStore<string, string[]>>('lines')
    const found: Record<string, string[]> = {}
    for await (const { key, value } of store.all()) found[key] = value
    expect(found).toEqual(expected)
  }
})

/** People and their cities, of which each one has another number of partitions. */
const register = defineApp('register', builder => {
  const cities = builder.table('cities', text)
  builder.table('people', text).leftJoin(
    cities,
    city => city,
    (city, country) => `${city} in ${country}`,
    {
      store: 'register',
      ...text,
    },
  )
})

test.each(logs)('tables joined by a foreign key on %s', async (_, openLog) => {
  using folder = temporaryFolder()
  await using log = await openLog()
  const client = log.client()
  await client.createTopics([
    { name: 'people', partitions: 3 },
    { name: 'cities', partitions: 2 },
  ])
  const options = { client, platform: nodePlatform(), stateFolder: folder.path }
  const people = new Map<string, string>()
  const countries = new Map<string, string>()
  for (const round of [1, 2, 3]) {
    for (let i = 0; i < 60; i += round) people.set(`person-${i}`, `city-${(i * round) % 8}`)
    for (let i = 0; i < 7; i += round) countries.set(`city-${i}`, `country-${i % round}`)
    await produce(
      client,
      'people',
      [...people].map(([key, value]) => record(key, value)),
    )
    await produce(
      client,
      'cities',
      [...countries].map(([key, value]) => record(key, value)),
    )
    await using application = await startApplication(register, options)
    await application.untilEnd()
    const store = application.store<ReadOnlyKeyValueStore<string, string>>('register')
    const found = new Map<string, string>()
    for await (const { key, value } of store.all()) found.set(key, value)
    const expected = [...people].map(([key, city]): [string, string] => [
      key,
      `${city} in ${countries.get(city) ?? null}`,
    ])
    expect(found).toEqual(new Map(expected))
  }
})
