import { Hono } from 'hono'
import { MillraceError } from '../../errors.ts'
import type { Logger } from '../../logger.ts'
import { serveRequests } from '../../platform/node-http.ts'
import { processMetrics } from '../../platform/process-metrics.ts'
import { prometheusContentType } from '../../platform/prometheus-text.ts'
import type { Address } from '../../platform/platform.ts'
import type { ApplicationState } from '../application-state.ts'
import type { InstanceQueries } from '../queries/instance-queries.ts'
import { errorResponse, statusOf } from './http-error.ts'
import { addressText, isLoopback } from './server-address.ts'
import { StoreRoutes } from './store-routes.ts'

/** What the server shows of an instance and asks of it. */
export interface ServedInstance {
  readonly name: string
  readonly state: ApplicationState
  readonly isReady: boolean
  readonly isPaused: boolean
  metricsText(): string
  pause(): void
  resume(): void
}

export interface ApplicationServerOptions {
  /** What the others are told; with port 0, the one that the system has chosen. */
  readonly told: Address
  readonly listen: Address
  readonly instance: ServedInstance
  readonly queries: InstanceQueries
  readonly logger: Logger
}

export interface ApplicationServer {
  /** `host:port`, as the others are told. */
  readonly endpoint: string
  close(): Promise<void>
}

/**
 * Serves one instance over HTTP: whether it is well, where which stores are, and the rows of the stores of all instances. Throws
 * PORT_IN_USE, INVALID_CONFIG.
 */
export async function startApplicationServer(
  options: ApplicationServerOptions,
): Promise<ApplicationServer> {
  const { told, listen, logger } = options
  const app = Promise.withResolvers<Hono>()
  const listener = await serveRequests(
    listen,
    async request => (await app.promise).fetch(request),
    error => logger.error({ error }, 'A request to the application server failed'),
  )
  const port = told.port === 0 ? listener.address.port : told.port
  const endpoint = addressText({ host: told.host, port })
  app.resolve(routes({ ...options, endpoint }))
  return { endpoint, close: () => listener.close() }
}

function routes(options: ApplicationServerOptions & { readonly endpoint: string }): Hono {
  const { instance, queries, endpoint, logger } = options
  const stores = new StoreRoutes({ queries, endpoint })
  const process = processMetrics()
  const app = new Hono()
  app.use(async (context, next) => {
    const problem = strangeness(context.req.raw, options)
    return problem === null
      ? next()
      : context.json({ code: 'FORBIDDEN', message: problem, retriable: false }, 403)
  })
  app.get('/healthz', context => {
    const isWell = instance.state !== 'ERROR' && instance.state !== 'NOT_RUNNING'
    return context.text(`${instance.state}\n`, isWell ? 200 : 503)
  })
  app.get('/readyz', context => context.text(`${instance.state}\n`, instance.isReady ? 200 : 503))
  app.get('/state', context => {
    const { name: application, state, isPaused: paused } = instance
    const tasks = queries.tasks()
    return context.json({ application, state, paused, endpoint, tasks })
  })
  app.get('/metrics', async context => {
    const text = instance.metricsText() + (await process.text())
    return context.body(text, 200, { 'content-type': prometheusContentType })
  })
  app.post('/pause', context => {
    instance.pause()
    return context.json({ paused: instance.isPaused })
  })
  app.post('/resume', context => {
    instance.resume()
    return context.json({ paused: instance.isPaused })
  })
  app.get('/metadata', context => context.json(queries.metadata.instances()))
  app.get('/stores', context => context.json(stores.stores()))
  app.get('/stores/:store/rows', ({ req }) =>
    stores.answer(req.raw, { store: req.param('store'), part: 'rows' }),
  )
  app.get('/stores/:store/keys/:key', ({ req }) =>
    stores.answer(req.raw, { ...req.param(), part: 'row' }),
  )
  for (const part of ['windows', 'sessions', 'versions'] as const) {
    app.get(`/stores/:store/keys/:key/${part}`, ({ req }) =>
      stores.answer(req.raw, { store: req.param('store'), key: req.param('key'), part }),
    )
  }
  app.notFound(context =>
    context.json({ code: 'NOT_FOUND', message: 'There is nothing here.', retriable: false }, 404),
  )
  app.onError(error => {
    if (!(error instanceof MillraceError) || statusOf(error) === 500) {
      logger.error({ error }, 'A request to the application server failed')
    }
    return errorResponse(error)
  })
  return app
}

/**
 * A page that somebody has open in a browser on this machine is no program of theirs: it may neither read nor change anything,
 * also when its name leads to this address (DNS rebinding).
 */
function strangeness(
  request: Request,
  { told, listen }: Pick<ApplicationServerOptions, 'told' | 'listen'>,
): string | null {
  if (request.headers.has('origin')) return 'Pages in browsers are not served here.'
  const host = new URL(request.url).hostname.replace(/^\[|\]$/g, '')
  const isAddress = isLoopback(host) || /^[\d.]+$/.test(host) || host.includes(':')
  if (isAddress || host === told.host || host === listen.host) return null
  return `The host ${host} is not the one of this server. Ask for ${told.host}.`
}
