/** What pages of docs/ take from the code. Run, it brings them up to date: see the message of the test. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { metricDefinitions } from '../../src/broker/metrics/metric-definitions.ts'
import { handlers } from '../../src/broker/api/index.ts'
import { brokerSettings } from '../../src/broker/config.ts'
import { metricDefinitions as applicationMetrics } from '../../src/runtime/metrics/metric-definitions.ts'
import { root } from './extract.ts'

/** The pages, and the parts that each has. */
export const pages: Readonly<Record<string, readonly string[]>> = {
  'docs/broker.md': ['settings', 'metrics', 'apis'],
  'docs/monitoring.md': ['applicationMetrics'],
}

/** The parts that follow from tables in the code, by the name in the comment before them. */
const generatedParts: Readonly<Record<string, () => string[]>> = {
  settings: () =>
    brokerSettings.map(({ name, kafkaName, defaultValue, documentation }) => {
      const kafka = kafkaName === null ? '' : `, Kafka: \`${kafkaName}\``
      return `- \`${name}\` (default ${shown(defaultValue)}${kafka}): ${documentation}`
    }),
  metrics: () => metricDefinitions.map(metricLine),
  applicationMetrics: () => applicationMetrics.map(metricLine),
  apis: () =>
    [...handlers.values()]
      .sort((a, b) => a.key - b.key)
      .map(({ key, name, minVersion, maxVersion }) => {
        const versions =
          minVersion === maxVersion ? `${minVersion}` : `${minVersion} to ${maxVersion}`
        return `- ${name} (${key}): ${versions}`
      }),
}

/** The page with these parts as they should be. */
export function withGeneratedParts(page: string, parts = generatedParts): string {
  return page.replaceAll(/(<!-- (\w+) -->)[^]*?(<!-- end -->)/g, (_, start, name, end) => {
    const lines = parts[String(name)]?.() ?? [`There is no part ${String(name)}.`]
    return `${start}\n\n${lines.join('\n')}\n\n${end}`
  })
}

function metricLine({
  name,
  labels,
  type,
  help,
}: Omit<(typeof metricDefinitions)[number], 'read'>): string {
  const by = labels.length === 0 ? '' : `{${labels.join()}}`
  return `- \`${name}${by}\` (${type}): ${help}.`
}

function shown(value: unknown): string {
  return Array.isArray(value) && value.length === 0 ? 'none' : String(value)
}

if (import.meta.main) {
  for (const page of Object.keys(pages)) {
    const path = join(root, page)
    writeFileSync(path, withGeneratedParts(readFileSync(path, 'utf8')))
  }
}
