import { readFileSync, writeFileSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'

/** One run of one test. */
export interface Figures {
  readonly recordsPerSecond: number
  /** CPU time of the broker. */
  readonly cpuSeconds: number
}

export interface Measured {
  readonly name: string
  readonly coldStartMs: number
  readonly idleMb: number
  readonly peakMb: number
  /** The rounds of each test, by its name. */
  readonly figures: ReadonlyMap<string, readonly Figures[]>
}

/** A Markdown table; the first broker is what the others are compared with, round by round. */
export function table(
  measured: readonly Measured[],
  { rounds, megabytes }: { rounds: number; megabytes: number },
): string {
  const [base] = measured
  if (base === undefined) throw new Error('Nothing was measured.')
  const load = loadavg()[0]?.toFixed(1)
  const lines = [
    `On ${new Date().toISOString().slice(0, 10)}, Node ${process.versions.node}, ${cpus().length} × ${cpus()[0]?.model.trim()}; ` +
      `medians of ${rounds} rounds of ${megabytes} MB; load average ${load} at the end, of which the benchmark itself makes 2.`,
    '',
    row(['', ...measured.map(each => each.name)]),
    row(['---', ...measured.map(() => '---:')]),
  ]
  for (const [test, baseRounds] of base.figures) {
    const cells = measured.map(each => {
      const own = each.figures.get(test) ?? []
      const rate = `${amount(median(own.map(figures => figures.recordsPerSecond)))} records/s`
      return each === base ? rate : `${rate}, ${ratio(own, baseRounds)}`
    })
    lines.push(row([test, ...cells]))
    const cpu = measured.map(
      each => `${median((each.figures.get(test) ?? []).map(f => f.cpuSeconds)).toFixed(1)} s`,
    )
    lines.push(row([`CPU of the broker, ${test}`, ...cpu]))
  }
  const perBroker = (name: string, cell: (each: Measured) => string): void => {
    lines.push(row([name, ...measured.map(cell)]))
  }
  perBroker(
    'process start to first record acknowledged',
    each => `${each.coldStartMs.toFixed(0)} ms`,
  )
  perBroker('resident memory before the load', each => `${each.idleMb.toFixed(0)} MB`)
  perBroker('most resident memory', each => `${each.peakMb.toFixed(0)} MB`)
  return lines.join('\n')
}

/** Median of the ratios of each round, and the least and the largest of them. */
function ratio(own: readonly Figures[], base: readonly Figures[]): string {
  const ratios = own.map((each, n) => each.recordsPerSecond / (base[n]?.recordsPerSecond ?? NaN))
  const spread = `${Math.min(...ratios).toFixed(2)}–${Math.max(...ratios).toFixed(2)}`
  return `**${median(ratios).toFixed(2)} ×** (${spread})`
}

const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`

const figures = new Intl.NumberFormat('en-US', { maximumSignificantDigits: 3 })
const amount = (value: number): string => figures.format(value)

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? NaN) + upper) / 2
}

const begin = '<!-- written by npm run bench:broker -- --write -->'
const end = '<!-- end -->'

/** Puts the table between the two comments of bench/README.md. */
export function writeReadme(text: string): void {
  const path = join(import.meta.dirname, '../README.md')
  const readme = readFileSync(path, 'utf8')
  const from = readme.indexOf(begin)
  const to = readme.indexOf(end, from)
  if (from < 0 || to < 0) throw new Error('bench/README.md has no place for the table.')
  writeFileSync(path, `${readme.slice(0, from)}${begin}\n\n${text}\n\n${readme.slice(to)}`)
}
