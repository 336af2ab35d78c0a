import type { Broker } from '../broker.ts'
import { bucketBoundsMs, type Histogram } from './histogram.ts'
import { type MetricDefinition, metricDefinitions } from './metric-definitions.ts'

/** The type of `metricsText`, for HTTP. */
export const metricsContentType = 'text/plain; version=0.0.4; charset=utf-8'

/** The numbers of the broker as Prometheus reads them (text-based format, version 0.0.4). */
export function metricsText(broker: Broker): string {
  return metricDefinitions
    .map(metric => {
      const { name, help, type } = metric
      const head = `# HELP ${name} ${help}.\n# TYPE ${name} ${type}\n`
      return `${head}${[...lines(metric, broker)].join('')}`
    })
    .join('')
}

function* lines(metric: MetricDefinition, broker: Broker): Generator<string> {
  const { name, labels: names } = metric
  if (metric.type === 'histogram') {
    for (const [values, histogram] of metric.read(broker)) {
      yield* histogramLines(name, labelTexts(names, values), histogram)
    }
  } else if (metric.type === 'summary') {
    for (const [values, { count, sum }] of metric.read(broker)) {
      const labels = labelTexts(names, values)
      yield line(`${name}_count`, labels, count)
      yield line(`${name}_sum`, labels, sum)
    }
  } else {
    for (const [values, value] of metric.read(broker)) {
      yield line(name, labelTexts(names, values), value)
    }
  }
}

function* histogramLines(name: string, labels: string[], histogram: Histogram): Generator<string> {
  let count = 0
  for (const [index, cases] of histogram.buckets.entries()) {
    count += cases
    const bound = bucketBoundsMs[index]
    yield line(`${name}_bucket`, [...labels, `le="${bound ?? '+Inf'}"`], count)
  }
  yield line(`${name}_sum`, labels, histogram.sumMs)
  yield line(`${name}_count`, labels, count)
}

function labelTexts(names: readonly string[], values: readonly string[]): string[] {
  return names.map((name, index) => `${name}="${escaped(values[index] ?? '')}"`)
}

function line(name: string, labels: readonly string[], value: number): string {
  return `${name}${labels.length === 0 ? '' : `{${labels.join(',')}}`} ${value}\n`
}

function escaped(text: string): string {
  return text.replace(/[\\"]/g, '\\$&').replaceAll('\n', '\\n')
}
