/**
 * The HTTP address for who watches the broker: `/metrics` for Prometheus, `/healthz` (the process answers) and `/readyz`
 * (clients may be sent here) for orchestrators.
 */
import { type HttpAnswer, serveHttp, text } from '../platform/node-http.ts'
import type { Address, Listener } from '../platform/platform.ts'
import { processMetrics } from '../platform/process-metrics.ts'
import { prometheusContentType, prometheusText } from '../platform/prometheus-text.ts'
import type { Broker } from './broker.ts'
import { readinessProblems } from './health.ts'
import { metricDefinitions } from './metrics/metric-definitions.ts'

export async function openWatchServer(
  broker: Broker,
  folder: string,
  address: Address,
): Promise<Listener> {
  const process = processMetrics()

  async function answer(path: string): Promise<HttpAnswer | undefined> {
    if (path === '/healthz') return text(200, 'alive')
    if (path === '/metrics') {
      const body = prometheusText(metricDefinitions, broker) + (await process.text())
      return { status: 200, contentType: prometheusContentType, body }
    }
    if (path !== '/readyz') return undefined
    const problems = await readinessProblems(broker, folder)
    return problems.length === 0 ? text(200, 'ready') : text(503, problems.join('\n'))
  }

  return serveHttp(address, answer, error =>
    broker.logger.error({ error }, 'A request for metrics or health failed.'),
  )
}
