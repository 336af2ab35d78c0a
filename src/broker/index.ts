// The declarations speak of Buffer and AbortSignal.
/// <reference types="node" preserve="true" />
/** The public door `millrace/broker`. */
export {
  startBroker,
  type MetricsConfig,
  type RunningBroker,
  type StartBrokerOptions,
  type TopicToCreate,
  type UserToCreate,
} from './start-broker.ts'
export type { BrokerConfig } from './config.ts'
export type { ListenerConfig } from './listener-config.ts'
export type { TlsConfig } from './tls-files.ts'
export type { OpenListener } from './server.ts'
export type { SaslMechanism } from './security/sasl-exchange.ts'
