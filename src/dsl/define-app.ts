import { MillraceError } from '../errors.ts'
import type { TaskConfig } from '../topology/task-config.ts'
import type { Topology } from '../topology/topology.ts'
import type { BuildOptions } from './options.ts'
import { StreamsBuilder } from './streams-builder.ts'
import type { StreamsConfig } from './streams-config.ts'

/** An application as its module exports it: what the command line, the runtime and the test driver take. */
export interface App {
  /** The application's id: prefix of its internal topics, name of its group. */
  readonly name: string
  /** How its tasks treat time and errors. */
  readonly taskConfig: TaskConfig
  /** How its instances run. */
  readonly streamsConfig: StreamsConfig
  /**
   * The compiled topology, the same one at each call. Throws INVALID_TOPOLOGY, and INVALID_APP when the app's function throws.
   *
   * @example
   * ```ts
   * import { defineApp, string } from 'millrace'
   *
   * const text = { key: string(), value: string() }
   * const app = defineApp('copy', builder => builder.stream('in', text).to('out'))
   * app.compile().applicationId // → 'copy'
   * const noSerde = defineApp('broken', builder => {
   *   builder.stream('in', text).mapValues(word => word.length).to('out')
   * })
   * noSerde.compile() // throws INVALID_TOPOLOGY
   * ```
   */
  compile(): Topology
}

/** What can be said of an application besides its topology. */
export interface AppOptions extends BuildOptions, TaskConfig, StreamsConfig {}

/**
 * Defines an application: `export default defineApp('flight-delays', builder => { … })`. The function is called once,
 * when the topology is first asked for. `options` say how its tasks treat time and errors, and how
 * its instances run; where the app is started or tested they can be overruled.
 *
 * @example
 * ```ts
 * import { defineApp, string } from 'millrace'
 * import { TestDriver } from 'millrace/testing'
 *
 * const text = { key: string(), value: string() }
 * const app = defineApp('shout', builder => {
 *   builder.stream('words', text).mapValues(word => word.toUpperCase()).to('shouted', text)
 * })
 * const driver = new TestDriver(app)
 * driver.inputTopic('words', text).pipe('a', 'yes')
 * driver.outputTopic('shouted', text).readAll() // → [{ key: 'a', value: 'YES', … }]
 * ```
 */
export function defineApp(
  name: string,
  build: (builder: StreamsBuilder) => void,
  options: AppOptions = {},
): App {
  let topology: Topology | undefined
  const compile = (): Topology => {
    if (topology === undefined) {
      const builder = new StreamsBuilder()
      callBuild(name, build, builder)
      topology = builder.build(name, options)
    }
    return topology
  }
  const config = Object.freeze({ ...options })
  return Object.freeze({ name, taskConfig: config, streamsConfig: config, compile })
}

/** What the user's function throws comes with the line that threw, for those who see only the message. */
function callBuild(
  name: string,
  build: (builder: StreamsBuilder) => void,
  builder: StreamsBuilder,
): void {
  try {
    build(builder)
  } catch (cause) {
    if (cause instanceof MillraceError) throw cause
    const frame = /^ +(at .+)$/m.exec((cause instanceof Error && cause.stack) || '')?.[1]
    throw new MillraceError(
      'INVALID_APP',
      `The function of the app '${name}' threw ${String(cause)}${frame === undefined ? '' : `, ${frame}`}.`,
      { cause },
    )
  }
}
