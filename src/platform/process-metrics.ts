import { collectDefaultMetrics, Registry } from 'prom-client'

/** `process_…` and `nodejs_…`: memory, processor time, open files, the event loop and garbage collection. */
export function processMetrics(): { text(): Promise<string> } {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  return { text: () => registry.metrics() }
}
