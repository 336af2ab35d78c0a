/** What `startBroker` and configuration files are given, checked as a whole before anything is opened. */
import { z } from 'zod'
import { topicNameProblem } from '../protocol/topic-name.ts'
import { type BrokerConfig, brokerConfig, brokerConfigSchema, flushModes } from './config.ts'
import {
  checkListeners,
  type CompleteListenerConfig,
  listenerConfigSchema,
} from './listener-config.ts'
import { RequestRefused } from './request-refused.ts'
import { checkSettings, SettingRefused } from './setting-refused.ts'
import { checkTopicConfigs, type TopicConfigs } from './topic-configs.ts'

/** All that is needed to start, defaults filled in. */
export interface CompleteBrokerOptions {
  /** Undefined: a temporary folder. */
  readonly data: string | undefined
  readonly listeners: readonly CompleteListenerConfig[]
  readonly config: BrokerConfig
  readonly topics: readonly CompleteTopicToCreate[]
  readonly users: readonly { readonly name: string; readonly password: string }[]
  readonly metrics: { readonly host: string; readonly port: number } | undefined
}

export interface CompleteTopicToCreate {
  readonly name: string
  readonly partitions: number
  readonly configs: TopicConfigs
}

const portSchema = z.int().min(0).max(65535)
const hostSchema = z.string().min(1)

/** What there is to set, apart from `config`: where the broker listens, what it keeps where, what it makes. */
export const brokerOptionsSchema = z.strictObject({
  host: hostSchema.optional(),
  port: portSchema.optional(),
  advertisedHost: hostSchema.optional(),
  listeners: z.array(listenerConfigSchema).min(1, 'name at least one').optional(),
  data: z.string().min(1).optional(),
  flush: z.enum(flushModes).optional(),
  config: brokerConfigSchema.prefault({}),
  topics: z
    .array(
      z.strictObject({
        name: z.string(),
        partitions: z.int().min(1).optional(),
        configs: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).default({}),
      }),
    )
    .default([]),
  users: z
    .array(z.strictObject({ name: z.string().min(1), password: z.string().min(1) }))
    .default([]),
  metrics: z
    .strictObject({ host: hostSchema.default('127.0.0.1'), port: portSchema.default(0) })
    .optional(),
})

type Options = z.output<typeof brokerOptionsSchema>

/** Throws SettingRefused with a sentence that names the setting, also when two contradict each other. */
export function completeBrokerOptions(given: unknown): CompleteBrokerOptions {
  const options = checkSettings(brokerOptionsSchema, given, 'The broker setting')
  const { data, flush, metrics, users } = options
  const listeners = chooseListeners(options)
  checkListeners(listeners)
  const config = brokerConfig({ ...options.config, ...(flush === undefined ? {} : { flush }) })
  checkAuthorization(config, listeners)
  return {
    data,
    listeners,
    config,
    topics: options.topics.map((topic, index) => completeTopic(topic, index, config)),
    users,
    metrics,
  }
}

/** Refuses rules that could let nobody in, and settings that do nothing without rules. */
function checkAuthorization(
  { authorizer, superUsers, allowEveryoneIfNoAclFound }: BrokerConfig,
  listeners: readonly CompleteListenerConfig[],
): void {
  if (!authorizer) {
    if (superUsers.length === 0 && !allowEveryoneIfNoAclFound) return
    const idle = superUsers.length > 0 ? 'superUsers' : 'allowEveryoneIfNoAclFound'
    throw new SettingRefused(
      ['config', idle],
      `The broker setting ${idle} does nothing without authorizer, and everybody may do everything: set authorizer, or remove ${idle}.`,
    )
  }
  const canLogIn = listeners.some(
    ({ sasl, tls }) => sasl.length > 0 || (tls !== undefined && tls.clientAuth !== 'none'),
  )
  if (canLogIn || allowEveryoneIfNoAclFound || superUsers.includes('User:ANONYMOUS')) return
  throw new SettingRefused(
    ['config', 'authorizer'],
    'The broker setting authorizer asks who clients are, and no listener can tell: give one sasl, or tls with clientAuth.',
  )
}

const singleSettings = ['host', 'port', 'advertisedHost'] as const

function chooseListeners(options: Options): readonly CompleteListenerConfig[] {
  const { listeners, host, port, advertisedHost } = options
  if (listeners === undefined) {
    return [listenerConfigSchema.parse({ name: 'PLAINTEXT', host, port, advertisedHost })]
  }
  const both = singleSettings.find(name => options[name] !== undefined)
  if (both === undefined) return listeners
  throw new SettingRefused(
    [both],
    `There can be either listeners or ${both}: move ${both} into one of the listeners.`,
  )
}

function completeTopic(
  { name, partitions, configs }: Options['topics'][number],
  index: number,
  config: BrokerConfig,
): CompleteTopicToCreate {
  const problem = topicNameProblem(name)
  if (problem !== null) {
    throw new SettingRefused(
      ['topics', index, 'name'],
      `The topic name ${JSON.stringify(name)} ${problem}`,
    )
  }
  const count = partitions ?? config.numPartitions
  if (count > config.maxPartitionsPerTopic) {
    throw new SettingRefused(
      ['topics', index, 'partitions'],
      `${count} partitions for the topic ${name} are more than maxPartitionsPerTopic allows (${config.maxPartitionsPerTopic}).`,
    )
  }
  const pairs = Object.entries(configs).map(([key, value]) => ({
    name: key,
    value: String(value),
  }))
  try {
    return { name, partitions: count, configs: checkTopicConfigs(pairs) }
  } catch (error) {
    if (!(error instanceof RequestRefused)) throw error
    throw new SettingRefused(['topics', index, 'configs'], error.message)
  }
}
