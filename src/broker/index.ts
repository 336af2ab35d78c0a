/** The public door `millrace/broker`. */
export { startBroker, type RunningBroker, type StartBrokerOptions } from './start-broker.ts'
export type { BrokerConfig } from './config.ts'
