/** The manifest of examples/kubernetes: what Kubernetes would refuse, or take and then not work with. */
import { readFileSync } from 'node:fs'
import { isAbsolute } from 'node:path'
import { parseAllDocuments } from 'yaml'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { runCommand } from '../../src/cli/commands/run.ts'
import { parseAddress } from '../../src/runtime/http/server-address.ts'

const folder = new URL('../../examples/kubernetes/', import.meta.url)
const documents = parseAllDocuments(readFileSync(new URL('order-totals.yaml', folder), 'utf8'))

const labels = z.record(z.string(), z.string())
const metadata = z.strictObject({ name: z.string().regex(/^[a-z][a-z0-9-]*$/), labels })
const probe = z.strictObject({
  httpGet: z.strictObject({ path: z.enum(['/healthz', '/readyz']), port: z.string() }),
  periodSeconds: z.int().positive(),
  failureThreshold: z.int().positive().optional(),
})
const variable = z.union([
  z.strictObject({ name: z.string(), value: z.string() }),
  z.strictObject({
    name: z.string(),
    valueFrom: z.union([
      z.strictObject({ fieldRef: z.strictObject({ fieldPath: z.literal('metadata.name') }) }),
      z.strictObject({ secretKeyRef: z.strictObject({ name: z.string(), key: z.string() }) }),
    ]),
  }),
])
const mount = z.strictObject({
  name: z.string(),
  mountPath: z.string().refine(isAbsolute),
  readOnly: z.boolean().optional(),
})
const memory = z.string().regex(/^\d+Mi$/)
const container = z.strictObject({
  name: z.string(),
  image: z.string().regex(/:[\w.-]+$/),
  command: z.tuple([z.literal('node_modules/.bin/millrace')]),
  args: z.array(z.string()),
  env: z.array(variable),
  ports: z.array(z.strictObject({ name: z.string(), containerPort: z.int() })),
  startupProbe: probe,
  livenessProbe: probe,
  readinessProbe: probe,
  resources: z.strictObject({
    requests: z.strictObject({ cpu: z.string(), memory }),
    limits: z.strictObject({ memory }),
  }),
  volumeMounts: z.array(mount),
})
const selector = z.strictObject({ matchLabels: labels })

const service = z
  .strictObject({
    apiVersion: z.literal('v1'),
    kind: z.literal('Service'),
    metadata,
    spec: z.strictObject({
      clusterIP: z.literal('None'),
      publishNotReadyAddresses: z.literal(true),
      selector: labels,
      ports: z.array(z.strictObject({ name: z.string(), port: z.int(), targetPort: z.string() })),
    }),
  })
  .parse(documents[0]?.toJS())
const budget = z
  .strictObject({
    apiVersion: z.literal('policy/v1'),
    kind: z.literal('PodDisruptionBudget'),
    metadata,
    spec: z.strictObject({ maxUnavailable: z.literal(1), selector }),
  })
  .parse(documents[1]?.toJS())
const set = z
  .strictObject({
    apiVersion: z.literal('apps/v1'),
    kind: z.literal('StatefulSet'),
    metadata,
    spec: z.strictObject({
      serviceName: z.string(),
      replicas: z.int(),
      podManagementPolicy: z.enum(['Parallel', 'OrderedReady']),
      selector,
      updateStrategy: z.strictObject({ type: z.literal('RollingUpdate') }),
      template: z.strictObject({
        metadata: z.strictObject({ labels }),
        spec: z.strictObject({
          terminationGracePeriodSeconds: z.int(),
          securityContext: z.strictObject({
            runAsNonRoot: z.literal(true),
            runAsUser: z.int().positive(),
            fsGroup: z.int().positive(),
          }),
          containers: z.tuple([container]),
          volumes: z.array(
            z.strictObject({
              name: z.string(),
              configMap: z.strictObject({ name: z.string() }),
            }),
          ),
        }),
      }),
      volumeClaimTemplates: z.array(
        z.strictObject({
          metadata: z.strictObject({ name: z.string() }),
          spec: z.strictObject({
            accessModes: z.tuple([z.literal('ReadWriteOnce')]),
            resources: z.strictObject({
              requests: z.strictObject({ storage: z.string().regex(/^\d+Gi$/) }),
            }),
          }),
        }),
      ),
    }),
  })
  .parse(documents[2]?.toJS())

const pod = set.spec.template
const [main] = pod.spec.containers
const state = '/var/lib/millrace'

test('is YAML without an error or a warning, and has three objects', () => {
  expect(documents.flatMap(({ errors, warnings }) => [...errors, ...warnings])).toEqual([])
  expect(documents).toHaveLength(3)
})

test('the selectors choose the pods', () => {
  for (const chosen of [service.spec.selector, set.spec.selector.matchLabels]) {
    expect(pod.metadata.labels).toMatchObject(chosen)
  }
  expect(budget.spec.selector).toEqual(set.spec.selector)
  expect(set.spec.serviceName).toBe(service.metadata.name)
})

test('probes and the service ask a port that the container has', () => {
  const ports = main.ports.map(({ name }) => name)
  expect(ports).toContain(main.startupProbe.httpGet.port)
  expect(ports).toContain(main.livenessProbe.httpGet.port)
  expect(ports).toContain(main.readinessProbe.httpGet.port)
  for (const { targetPort } of service.spec.ports) expect(ports).toContain(targetPort)
  expect(main.livenessProbe.httpGet.path).toBe('/healthz')
  expect(main.readinessProbe.httpGet.path).toBe('/readyz')
})

test('every mount is of a volume, every volume is mounted, and the state is on a claim', () => {
  const claims = set.spec.volumeClaimTemplates.map(claim => claim.metadata.name)
  const volumes = [...pod.spec.volumes.map(({ name }) => name), ...claims]
  expect(main.volumeMounts.map(({ name }) => name).sort()).toEqual(volumes.sort())
  const stateMount = main.volumeMounts.find(({ mountPath }) => mountPath === state)
  expect(claims).toContain(stateMount?.name)
})

test('there is time to stop in order, and room beside the heap', () => {
  expect(pod.spec.terminationGracePeriodSeconds).toBeGreaterThan(30)
  expect(main.resources.requests.memory).toBe(main.resources.limits.memory)
  const heap = main.env.find(({ name }) => name === 'NODE_OPTIONS')
  const heapMiB = heap !== undefined && 'value' in heap ? Number(heap.value.split('=')[1]) : NaN
  expect(heapMiB).toBeLessThanOrEqual(Number.parseInt(main.resources.limits.memory, 10) / 2)
})

test('the command takes its arguments', () => {
  const [name, app, ...flags] = main.args
  expect([name, app]).toEqual(['run', 'app.ts'])
  const command = runCommand().exitOverride()
  const { operands, unknown } = command.parseOptions(flags)
  expect([...operands, ...unknown]).toEqual([])
  expect(command.opts()).toMatchObject({ state, log: 'json' })
})

test('the app is asked at the port of the container, under the name that the service gives its pod', async () => {
  const variables = new Map(main.env.map(each => [each.name, 'value' in each ? each.value : '']))
  expect(variables.get('INSTANCE_HOST')).toBe(`$(POD_NAME).${service.metadata.name}`)
  process.env['INSTANCE_HOST'] = `order-totals-0.${service.metadata.name}`
  const { default: app } = await import('../../examples/kubernetes/app.ts')
  delete process.env['INSTANCE_HOST']
  const { applicationServer = '', applicationServerListen = '' } = app.streamsConfig
  const port = main.ports[0]?.containerPort
  expect(parseAddress('', applicationServer)).toEqual({ host: 'order-totals-0.order-totals', port })
  expect(parseAddress('', applicationServerListen)).toEqual({ host: '0.0.0.0', port })
  expect(app.name).toBe(set.metadata.name)
})
