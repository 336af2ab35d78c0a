/** The type of `prometheusText`, for HTTP. */
export const prometheusContentType = 'text/plain; version=0.0.4; charset=utf-8'

/** One number that can be read off a `Source`, or one for each thing that it has. */
export type MetricDefinition<Source> = {
  readonly name: string
  /** One sentence, without its full stop. */
  readonly help: string
  /** Each sample has a value for each of them, in this order. */
  readonly labels: readonly string[]
} & (
  | { readonly type: 'counter' | 'gauge'; read(source: Source): Iterable<Sample<number>> }
  | { readonly type: 'histogram'; read(source: Source): Iterable<Sample<Buckets>> }
  | { readonly type: 'summary'; read(source: Source): Iterable<Sample<CountAndSum>> }
)

export type Sample<Value> = readonly [labels: readonly string[], value: Value]

export interface CountAndSum {
  readonly count: number
  readonly sum: number
}

export interface Buckets {
  /** Upper bounds; one more bucket takes the rest. */
  readonly bounds: readonly number[]
  /** Cases by bucket, not cumulative. */
  readonly buckets: Iterable<number>
  readonly sum: number
}

/** The numbers of a source as Prometheus reads them (text-based format, version 0.0.4). */
export function prometheusText<Source>(
  definitions: readonly MetricDefinition<Source>[],
  source: Source,
): string {
  return definitions
    .map(metric => {
      const { name, help, type } = metric
      const head = `# HELP ${name} ${help}.\n# TYPE ${name} ${type}\n`
      return `${head}${[...lines(metric, source)].join('')}`
    })
    .join('')
}

function* lines<Source>(metric: MetricDefinition<Source>, source: Source): Generator<string> {
  const { name, labels: names } = metric
  if (metric.type === 'histogram') {
    for (const [values, buckets] of metric.read(source)) {
      yield* histogramLines(name, labelTexts(names, values), buckets)
    }
  } else if (metric.type === 'summary') {
    for (const [values, { count, sum }] of metric.read(source)) {
      const labels = labelTexts(names, values)
      yield line(`${name}_count`, labels, count)
      yield line(`${name}_sum`, labels, sum)
    }
  } else {
    for (const [values, value] of metric.read(source)) {
      yield line(name, labelTexts(names, values), value)
    }
  }
}

function* histogramLines(
  name: string,
  labels: string[],
  { bounds, buckets, sum }: Buckets,
): Generator<string> {
  let count = 0
  let index = 0
  for (const cases of buckets) {
    count += cases
    yield line(`${name}_bucket`, [...labels, `le="${bounds[index++] ?? '+Inf'}"`], count)
  }
  yield line(`${name}_sum`, labels, sum)
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
