import { MillraceError } from '../../errors.ts'
import { partitionForKey } from '../../protocol/murmur2.ts'
import type { TaskConfig } from '../../topology/task-config.ts'
import type { Topology } from '../../topology/topology.ts'
import { TestApplication, type TestApplicationOptions } from '../test-application.ts'
import { topologyOf, type TopologySource } from '../topology-source.ts'
import type { Draw } from './draws.ts'
import { difference, type FinalState, finalState } from './final-state.ts'
import type { InputRecord } from './input-records.ts'
import type { Difference } from './law-failure.ts'
import type { LawOptions } from './laws.ts'
import type { RecordsArbitrary } from './records-arbitrary.ts'
import type { Treatment } from './treatments.ts'

/** Plays records in an app, which starts anew each time. */
export class Player {
  readonly topology: Topology
  readonly #inputs: RecordsArbitrary
  readonly #given: readonly InputRecord[]
  readonly #except: ReadonlySet<string>
  readonly #options: TestApplicationOptions

  constructor(
    source: TopologySource,
    inputs: RecordsArbitrary,
    { given = [], except = [], config }: LawOptions,
    partitions: number,
  ) {
    this.topology = topologyOf(source)
    this.#inputs = inputs
    this.#given = given
    this.#except = new Set(except)
    const ofApp = 'taskConfig' in source ? source.taskConfig : {}
    this.#options = { ...ofApp, ...config, partitions }
  }

  /** Which partition a record belongs to. */
  partitionOf = ({ topic, key }: Draw): number => {
    const topicOptions = this.#inputs.topics[topic]
    if (key === null || topicOptions === undefined) return 0
    const { partitions } = this.#options
    const bytes = topicOptions.key.serialize(topicOptions.keys[key])
    return typeof partitions === 'number' ? partitionForKey(bytes, partitions) : 0
  }

  /** What the app comes to, if each record is followed by what its choice stands for. */
  async stateAfter(
    draws: readonly Draw[],
    treatmentOf: (choice: number) => Treatment,
    overruling: TaskConfig = {},
  ): Promise<FinalState> {
    const options = { ...this.#options, ...overruling }
    const application = await TestApplication.start(this.topology, options)
    const pipe = this.#piping(application)
    for (const record of this.#given) pipe(record)
    await application.settle()
    for (const draw of draws) {
      pipe(this.#inputs.record(draw))
      await treatmentOf(draw.choice).treat(application)
    }
    await application.settle()
    const state = await this.#stateOf(application)
    await application.close()
    return state
  }

  /** Rows of closed windows that were not as they are when their window was closed. */
  async changesOfClosed(
    draws: readonly Draw[],
    closedAfter: (store: string) => number,
  ): Promise<Difference[]> {
    const application = await TestApplication.start(this.topology, this.#options)
    const pipe = this.#piping(application)
    for (const record of this.#given) pipe(record)
    await application.settle()
    const changes: Difference[] = []
    let before = await this.#stateOf(application)
    for (const draw of draws) {
      pipe(this.#inputs.record(draw))
      await application.settle()
      const after = await this.#stateOf(application)
      changes.push(...changedAmong(before, after, closedAfter))
      before = after
    }
    await application.close()
    return changes
  }

  async #stateOf(application: TestApplication): Promise<FinalState> {
    const state = await finalState(application, this.topology)
    if (this.#except.size === 0) return state
    return new Map([...state].filter(([, { name }]) => !this.#except.has(name)))
  }

  #piping(application: TestApplication): (record: InputRecord) => void {
    const topics = new Map(
      Object.entries(this.#inputs.topics).map(([name, serdes]) => [
        name,
        application.inputTopic(name, serdes),
      ]),
    )
    return ({ topic, key, value, timestamp }) => {
      const input = topics.get(topic)
      if (input === undefined) {
        throw new MillraceError(
          'INVALID_CONFIG',
          `A record that is given is of the topic ${topic}, which the inputs do not have. Name it among the topics of inputRecords.`,
        )
      }
      input.pipe(key, value, { timestamp })
    }
  }
}

/** What has changed between two states in windows that the first shows to be closed. */
function changedAmong(
  before: FinalState,
  after: FinalState,
  closedAfter: (store: string) => number,
): Difference[] {
  // No row of a store is newer than what its operator has seen.
  const newest = new Map<string, number>()
  for (const { kind, name, timestamp } of before.values()) {
    if (kind === 'store') newest.set(name, Math.max(newest.get(name) ?? -1, timestamp))
  }
  return [...after].flatMap(([id, row]) => {
    const { name, end } = row
    if (end === undefined) return []
    const isClosed = (newest.get(name) ?? -1) >= end + closedAfter(name)
    return isClosed ? difference(before.get(id), row) : []
  })
}
