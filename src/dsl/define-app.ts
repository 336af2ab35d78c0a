import type { Topology } from '../topology/topology.ts'
import { StreamsBuilder } from './streams-builder.ts'

/** An application as its module exports it: what the command line, the runtime and the test driver take. */
export interface App {
  /** The application's id: prefix of its internal topics, name of its group. */
  readonly name: string
  /** The compiled topology, the same one at each call. Throws INVALID_TOPOLOGY. */
  compile(): Topology
}

/**
 * Defines an application: `export default defineApp('flight-delays', builder => { … })`. The function is called once,
 * when the topology is first asked for.
 */
export function defineApp(name: string, build: (builder: StreamsBuilder) => void): App {
  let topology: Topology | undefined
  const compile = (): Topology => {
    if (topology === undefined) {
      const builder = new StreamsBuilder()
      build(builder)
      topology = builder.build(name)
    }
    return topology
  }
  return Object.freeze({ name, compile })
}
