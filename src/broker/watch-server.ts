/**
 * The HTTP address for who watches the broker: `/metrics` for Prometheus, `/healthz` (the process answers) and `/readyz`
 * (clients may be sent here) for orchestrators.
 */
import { type HttpAnswer, serveHttp, text } from '../platform/node-http.ts'
import type { Address, Listener } from '../platform/platform.ts'
import type { Broker } from './broker.ts'
import { readinessProblems } from './health.ts'
import { metricsContentType, metricsText } from './metrics/exposition.ts'
import { processMetrics } from './metrics/process-metrics.ts'

export async function openWatchServer(
  broker: Broker,
  folder: string,
  address: Address,
): Promise<Listener> {
  const process = processMetrics()

  async function answer(path: string): Promise<HttpAnswer | undefined> {
    if (path === '/healthz') return text(200, 'alive')
    if (path === '/metrics') {
      const body = metricsText(broker) + (await process.text())
      return { status: 200, contentType: metricsContentType, body }
    }
    if (path !== '/readyz') return undefined
    const problems = await readinessProblems(broker, folder)
    return problems.length === 0 ? text(200, 'ready') : text(503, problems.join('\n'))
  }

  return serveHttp(address, answer, error =>
    broker.logger.error({ error }, 'A request for metrics or health failed.'),
  )
}
