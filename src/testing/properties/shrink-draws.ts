import type * as fc from 'fast-check'

import type { Draw } from './draws.ts'

/**
 * The sequences that are a step simpler than one: those with fewer records, from half of them to all but one, then those
 * with which less is done, then those
 * with simpler keys, values and times. Every step lowers the number of records, or the choices, or the keys, or the values as their
 * arbitrary has it, or the sum of times, so steps come to an end.
 */
export function* shrunkDraws(
  draws: readonly Draw[],
  startTimeMs: number,
  shrinkValue: (draw: Draw) => Iterable<fc.Value<unknown>>,
): Generator<readonly Draw[]> {
  yield* withoutSome(draws)
  yield* withFewerChoices(draws)
  yield* withSimplerKeys(draws)
  for (const [at, draw] of draws.entries()) {
    for (const value of shrinkValue(draw)) yield draws.with(at, { ...draw, value })
  }
  yield* withSimplerTimes(draws, startTimeMs)
}

function* withoutSome(draws: readonly Draw[]): Generator<readonly Draw[]> {
  for (let size = draws.length; size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let from = 0; from < draws.length; from += size) yield draws.toSpliced(from, size)
  }
}

function* withFewerChoices(draws: readonly Draw[]): Generator<readonly Draw[]> {
  if (draws.some(({ choice }) => choice > 0)) yield draws.map(draw => ({ ...draw, choice: 0 }))
  for (const [at, draw] of draws.entries()) {
    for (const choice of new Set([0, draw.choice >> 1, draw.choice - 1])) {
      if (choice >= 0 && choice < draw.choice) yield draws.with(at, { ...draw, choice })
    }
  }
}

function* withSimplerKeys(draws: readonly Draw[]): Generator<readonly Draw[]> {
  const keys = new Set(draws.map(({ key }) => key))
  // All records of a key at once: what goes wrong may need several of one key. Any key is simpler than none.
  for (const key of keys) {
    for (let simpler = 0; simpler < (key ?? 1); simpler++) {
      yield draws.map(draw => (draw.key === key ? { ...draw, key: simpler } : draw))
    }
  }
  for (const [at, draw] of draws.entries()) {
    for (let simpler = 0; simpler < (draw.key ?? 1); simpler++) {
      yield draws.with(at, { ...draw, key: simpler })
    }
  }
}

function* withSimplerTimes(
  draws: readonly Draw[],
  startTimeMs: number,
): Generator<readonly Draw[]> {
  const times = [...new Set(draws.map(({ timestamp }) => timestamp))].sort((a, b) => a - b)
  // All that come after a gap, earlier by a part of it.
  for (const [at, time] of times.entries()) {
    const gap = time - (times[at - 1] ?? startTimeMs)
    for (let less = gap; less >= 1; less = Math.floor(less / 2)) {
      yield draws.map(draw =>
        draw.timestamp < time ? draw : { ...draw, timestamp: draw.timestamp - less },
      )
    }
  }
  for (const [at, draw] of draws.entries()) {
    const earlier = times.filter(time => time < draw.timestamp)
    for (const timestamp of [startTimeMs, ...earlier.slice(-1)]) {
      if (timestamp < draw.timestamp) yield draws.with(at, { ...draw, timestamp })
    }
  }
}
