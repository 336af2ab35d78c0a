/** A strict reader of Prometheus' text-based format, version 0.0.4: it takes what a Prometheus server takes, and less. */
import assert from 'node:assert/strict'

export interface ParsedMetric {
  readonly type: string
  readonly help: string
  /** Values by the labels as they are written; of histograms and summaries, by suffix and labels. */
  readonly samples: Map<string, number>
}

export function parsePrometheus(text: string): Map<string, ParsedMetric> {
  assert(text.endsWith('\n'), 'the last line has no end')
  const metrics = new Map<string, ParsedMetric>()
  let help: RegExpExecArray | null = null
  let name = ''
  for (const line of text.slice(0, -1).split('\n')) {
    if (line === '') continue
    if (line.startsWith('# HELP')) {
      help = /^# HELP ([a-zA-Z_:][\w:]*) (\S.*)$/.exec(line)
      assert(help !== null, line)
    } else if (line.startsWith('# TYPE')) {
      const type = /^# TYPE ([a-zA-Z_:][\w:]*) (counter|gauge|histogram|summary)$/.exec(line)
      assert(type !== null, line)
      assert(help !== null && help[1] === type[1], `no help before ${line}`)
      name = type[1] ?? ''
      assert(!metrics.has(name), `${name} is there twice`)
      metrics.set(name, { type: type[2] ?? '', help: help[2] ?? '', samples: new Map() })
      help = null
    } else {
      addSample(line, name, metrics.get(name))
    }
  }
  return metrics
}

const label = String.raw`[a-zA-Z_]\w*="(?:[^"\\\n]|\\[\\"n])*"`
const samplePattern = new RegExp(
  String.raw`^([a-zA-Z_:][\w:]*)(?:\{(${label}(?:,${label})*)\})? (\S+)$`,
)

function addSample(line: string, name: string, metric: ParsedMetric | undefined): void {
  const sample = samplePattern.exec(line)
  assert(sample !== null && metric !== undefined, line)
  const [, sampleName = '', labels = '', text = ''] = sample
  const suffixes = { histogram: ['_bucket', '_sum', '_count'], summary: ['', '_sum', '_count'] }
  const allowed =
    metric.type === 'histogram' || metric.type === 'summary' ? suffixes[metric.type] : ['']
  const suffix = sampleName.slice(name.length)
  assert(sampleName.startsWith(name) && allowed.includes(suffix), `${line} is not of ${name}`)
  const value = text === '+Inf' ? Infinity : text === '-Inf' ? -Infinity : Number(text)
  assert(text === 'NaN' || !Number.isNaN(value), `${line} has no number`)
  assert(metric.type !== 'counter' || value >= 0, `${line} counts down`)
  const key = `${suffix}${labels}`
  assert(!metric.samples.has(key), `${line} is there twice`)
  metric.samples.set(key, value)
}
