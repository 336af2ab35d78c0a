import { joinWindows } from '../../../src/index.ts'
import { joiners, of } from './functions.ts'
import { type Call, isPlainStream, named, serdes, stream } from './program.ts'
import { key, pick } from './random-choice.ts'
import { nothing } from './stateless.ts'

interface StreamJoin {
  readonly f: string
  readonly beforeMs: number
  readonly afterMs: number
  readonly graceMs: number
  readonly name?: string
  readonly store?: string
  /** Names of two stores in memory. */
  readonly inMemory?: readonly [string, string]
  readonly unlogged?: true
}

const join = (method: 'join' | 'leftJoin' | 'outerJoin'): Call<StreamJoin> => ({
  on: [isPlainStream, isPlainStream],
  draw({ random, fresh }) {
    const differenceMs = pick([4, 10, 25], random)
    const stores: Pick<StreamJoin, 'store' | 'inMemory'> = random.chance(0.2)
      ? { inMemory: [fresh('store'), fresh('store')] }
      : random.chance(0.3)
        ? { store: fresh('store') }
        : {}
    return {
      f: key(joiners, random),
      beforeMs: pick([differenceMs, differenceMs, differenceMs, 0, 7, -3], random),
      afterMs: pick([differenceMs, differenceMs, differenceMs, 3, 15, 40], random),
      graceMs: pick([0, 5, 20, 1000], random),
      ...(random.chance(0.25) && { name: fresh('join') }),
      ...stores,
      // Kafka Streams logs stores that are given whatever it is told.
      ...(stores.inMemory === undefined && random.chance(0.1) && { unlogged: true }),
    }
  },
  gives: (_, [shape = nothing]) => shape,
  java({ f, beforeMs, afterMs, graceMs, name, store, inMemory, unlogged }, [on, other]) {
    const windows = `JoinWindows.ofTimeDifferenceAndGrace(ms(${afterMs}), ms(${graceMs})).before(ms(${beforeMs}))`
    const inMemoryStore = (own: string): string =>
      `Stores.inMemoryWindowStore("${own}", ms(${beforeMs + afterMs + graceMs}), ms(${beforeMs + afterMs}), true)`
    const joined = [
      inMemory === undefined
        ? 'StreamJoined.with(STRING, STRING, STRING)'
        : `StreamJoined.<String, String, String>with(${inMemoryStore(inMemory[0])}, ${inMemoryStore(inMemory[1])})` +
          '.withKeySerde(STRING).withValueSerde(STRING).withOtherValueSerde(STRING)',
      ...(name === undefined ? [] : [`withName("${name}")`]),
      ...(store === undefined ? [] : [`withStoreName("${store}")`]),
      ...(unlogged === undefined ? [] : ['withLoggingDisabled()']),
    ].join('.')
    return `${on}.${method}(${other}, ${of(joiners, f).java}, ${windows}, ${joined})`
  },
  build(
    { f, beforeMs, afterMs, graceMs, name, store, inMemory, unlogged },
    [on, other],
    [shape = nothing],
  ) {
    const windows = joinWindows(afterMs, { before: beforeMs, grace: graceMs })
    const own = serdes(shape)
    const options = {
      ...own,
      otherValue: own.value,
      ...named(name),
      ...(store !== undefined && { store }),
      ...(inMemory !== undefined && {
        thisStore: inMemory[0],
        otherStore: inMemory[1],
        inMemory: true,
      }),
      ...(unlogged === true && { changelog: false }),
    }
    const { ts } = of(joiners, f)
    if (method === 'join') return stream(on).join(stream(other), ts, windows, options)
    if (method === 'leftJoin') return stream(on).leftJoin(stream(other), ts, windows, options)
    return stream(on).outerJoin(stream(other), ts, windows, options)
  },
})

export const streamJoins = {
  streamJoin: join('join'),
  streamLeftJoin: join('leftJoin'),
  streamOuterJoin: join('outerJoin'),
}
