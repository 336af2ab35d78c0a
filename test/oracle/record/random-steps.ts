import type { SeededRandom } from '../../../src/platform/simulated/seeded-random.ts'
import { pick } from '../programs/random-choice.ts'
import type { Datum, Scenario } from '../scenario.ts'

export type Step = Scenario['steps'][number]
type Pipe = Extract<Step, { pipe: string }>

/**
 * Other steps for the topology of a scenario: the same topics, keys and values, in an order that the scenario did not have.
 * Time goes forward most often; it also stands still, goes back a little or much, and jumps.
 */
export function randomSteps(scenario: Scenario, random: SeededRandom): Step[] {
  const pipes = scenario.steps.filter(step => 'pipe' in step)
  const advances = scenario.steps.flatMap(step => ('advance' in step ? [step.advance] : []))
  if (pipes.length === 0) return scenario.steps
  const topics = [...new Set(pipes.map(step => step.pipe))]
  const start = Math.max(0, Math.min(...pipes.map(step => step.timestamp)))
  const unitMs = unitOf(pipes)
  const withNulls = random.chance(0.3)
  const withHeaders = random.chance(0.3)
  const calm = random.chance(0.3)
  const keys = keysOf(pipes, 1 + random.below(5))
  const steps: Step[] = []
  let time = start
  const length = 8 + random.below(random.chance(0.3) ? 120 : 40)
  for (let i = 0; i < length; i++) {
    if (advances.length > 0 && random.chance(0.25)) {
      steps.push({ advance: pick(advances, random) * (random.chance(0.1) ? 7 : 1) })
      continue
    }
    const topic = pick(topics, random)
    const seen = pipes.filter(step => step.pipe === topic)
    const like = pick(seen, random)
    const [now, timestamp] = nextTime(time, unitMs, calm, random)
    time = now
    const key =
      withNulls && random.chance(0.05) ? null : pick(keys.get(topic) ?? [like.key], random)
    const value = withNulls && random.chance(0.08) ? null : fresh(like.value, seen, i, random)
    steps.push({
      pipe: topic,
      key: key === null || typeof like.key === 'string' || like.key === null ? key : like.key,
      value,
      timestamp,
      ...(withHeaders &&
        random.chance(0.5) && { headers: [['h', `${i}`]] satisfies Pipe['headers'] }),
    })
  }
  return steps
}

/** The distance of timestamps that the scenario plays with. */
function unitOf(pipes: readonly Pipe[]): number {
  const times = pipes.map(({ timestamp }) => timestamp)
  const distances = times
    .slice(1)
    .map((time, i) => Math.abs(time - (times[i] ?? 0)))
    .filter(distance => distance > 0)
    .sort((a, b) => a - b)
  return distances[Math.floor(distances.length / 2)] ?? 5
}

/** The time of the sequence and that of the next record, which may be older. */
function nextTime(
  time: number,
  unitMs: number,
  calm: boolean,
  random: SeededRandom,
): [number, number] {
  const dice = random.below(100)
  if (dice < 20) return [time, time]
  if (calm || dice < 65) {
    const later = time + 1 + random.below(2 * unitMs)
    return [later, later]
  }
  if (dice < 80) return [time, Math.max(0, time - random.below(3 * unitMs))]
  if (dice < 88) return [time, Math.max(0, time - random.below(20 * unitMs))]
  if (dice < 96) {
    const later = time + random.below(8 * unitMs)
    return [later, later]
  }
  if (dice < 99) {
    const later = time + random.below(60 * unitMs)
    return [later, later]
  }
  // Store segments are of a minute at least.
  const later = time + 30_000 + random.below(100_000)
  return [later, later]
}

function keysOf(pipes: readonly Pipe[], count: number): Map<string, Datum[]> {
  const keys = new Map<string, Datum[]>()
  for (const { pipe, key } of pipes) {
    const known = keys.get(pipe) ?? []
    if (!known.includes(key) && known.length < Math.max(2, count)) known.push(key)
    keys.set(pipe, known)
  }
  for (const known of keys.values()) {
    for (const key of ['a', 'b', 'c']) {
      if (known.length < count && !known.includes(key) && known.every(isText)) known.push(key)
    }
  }
  return keys
}

const isText = (key: Datum): boolean => key === null || typeof key === 'string'

/** A value of the scenario; one that ends with a number often gets another number, so that values can be told apart. */
function fresh(value: Datum, seen: readonly Pipe[], i: number, random: SeededRandom): Datum {
  if (typeof value !== 'string' || random.chance(0.4)) return value
  const numbered = seen.filter(step => typeof step.value === 'string' && /\d$/.test(step.value))
  return numbered.length < 3 ? value : value.replace(/\d+$/, `${i}`)
}
