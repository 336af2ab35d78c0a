import process from 'node:process'

/**
 * What the programs in this folder share: each figure becomes one line, with its name, the figure and its unit. With
 * `--smoke` a program does little of everything, once: that shows that it works, the figures mean nothing then.
 */

/** The best round counts: whatever else the machine is doing can only make a round slower. */
const rounds = 5
const smoke = process.argv.includes('--smoke')

/** How much of something to do: `full`, or a hundredth of it in a smoke run. */
export function amount(full: number): number {
  return smoke ? Math.ceil(full / 100) : full
}

/**
 * Runs the round several times and reports the best rate. A round returns how many units it did; what `prepare` does before
 * each round is not measured.
 */
export async function throughput(
  name: string,
  unit: string,
  round: () => number | Promise<number>,
  prepare = (): void => {},
): Promise<void> {
  let best = 0
  for (let n = 0; n < (smoke ? 1 : rounds); n++) {
    prepare()
    const start = performance.now()
    const done = await round()
    best = Math.max(best, perSecond(done, start))
  }
  report(name, best, unit)
}

/** Runs the round several times and reports the shortest. A round returns how to clean up, which is not measured. */
export async function latency(
  name: string,
  round: () => Promise<() => Promise<void>>,
): Promise<void> {
  let best = Infinity
  for (let n = 0; n < (smoke ? 1 : rounds); n++) {
    const start = performance.now()
    const cleanUp = await round()
    best = Math.min(best, performance.now() - start)
    await cleanUp()
  }
  report(name, best, 'ms')
}

/** The rate of what was done since `start`, a time of `performance.now()`. */
export function perSecond(done: number, start: number): number {
  return (done / (performance.now() - start)) * 1000
}

const figures = new Intl.NumberFormat('en-US', { maximumSignificantDigits: 3 })

export function report(name: string, figure: number, unit: string): void {
  process.stdout.write(`${name.padEnd(44)} ${figures.format(figure).padStart(11)} ${unit}\n`)
}
