import { type LogClient, OffsetOutOfRange } from '../../src/client/log-client.ts'
import type { Platform, Socket } from '../../src/platform/platform.ts'
import type { Machine } from '../../src/platform/simulated/machine.ts'
import { type SeededRandom, seededRandom } from '../../src/platform/simulated/seeded-random.ts'
import { simulate, type Simulation } from '../../src/platform/simulated/simulation.ts'
import * as recordBatch from '../../src/protocol/record-batch.ts'
import {
  connect,
  joinGroup,
  observe,
  produce,
  readLog,
  type Scene,
  tail,
  topic,
} from '../sim/actors.ts'
import { History } from '../sim/history.ts'
import { brokerAddress, WatchedBroker } from '../sim/watched-broker.ts'
import { AttackerConnection } from './attacker.ts'
import { hostileFrame } from './mutations.ts'
import { fuzzTopics, type RequestPool } from './request-pool.ts'

export interface FuzzRound {
  /** What must not have happened, as a sentence; undefined when all is well. */
  readonly violation: string | undefined
  /** The piece of bytes that was sent last, in hexadecimal. */
  readonly lastFrame: string
  /** Answers that attackers got, by API key. */
  readonly answers: ReadonlyMap<number, number>
  /** Connections that the broker closed on them. */
  readonly closed: number
  /** Records that the honest producer was told are stored. */
  readonly acknowledged: number
}

export interface FuzzRoundOptions {
  readonly seed: number
  readonly frames: number
  readonly pool: RequestPool
  /** Told of each frame before it is sent. */
  readonly onFrame?: (frame: Buffer) => void
}

const attackerCount = 48
const maxRequestBytes = 1024 * 1024
/** SaslHandshake, ApiVersions, SaslAuthenticate: nobody gets further by sending garbage. */
const beforeLogin: ReadonlySet<number> = new Set([17, 18, 36])
/** After so many turns without an answer an attacker goes away and another one comes. */
const patience = 6

/**
 * One life of a broker that is sent hostile frames while honest clients produce, read and commit. Nobody but the hostile
 * may notice, and after a power loss everything is there and every log can be read.
 */
export async function fuzzRound(options: FuzzRoundOptions): Promise<FuzzRound> {
  const { seed, pool } = options
  const random = seededRandom(seed, 'fuzz')
  const simulation = simulate({ seed })
  const history = new History(2)
  const partitions = [0, 1].map(partition => ({ topic, partition }))
  const broken = (sentence: string): void => history.broken(sentence)
  const answers = new Map<number, number>()
  const doors: ((socket: Socket) => void)[] = []
  const broker = new WatchedBroker(simulation, {
    config: {
      offsetsTopicNumPartitions: 1,
      maxPartitions: 60,
      maxPartitionsPerTopic: 8,
      logRetentionCheckIntervalMs: 50,
      maxRequestBytes,
    },
    broken,
    listeners: [
      { name: 'OPEN', ...brokerAddress },
      { name: 'LOGIN', host: brokerAddress.host, sasl: ['PLAIN', 'SCRAM-SHA-256'] },
    ],
    wrap: platform => tapped(platform, accept => doors.push(accept)),
  })
  const on = (machine: Machine): Scene => ({ platform: machine.platform, history, partitions })
  const watch = (name: string, work: Promise<unknown>): Promise<unknown> =>
    work.catch((error: unknown) =>
      broken(`${name} failed: ${error instanceof Error ? error.stack : String(error)}`),
    )
  let lastFrame: Buffer = Buffer.alloc(0)
  let closed = 0

  function newAttacker(): AttackerConnection {
    const [open, login] = doors
    const mustLogIn = random.below(3) === 0
    const attacker = new AttackerConnection({
      simulation,
      host: `10.0.0.${random.below(250)}`,
      maxRequestBytes,
      broken,
      onAnswer(apiKey) {
        answers.set(apiKey, (answers.get(apiKey) ?? 0) + 1)
        if (mustLogIn && !beforeLogin.has(apiKey)) broken(`API ${apiKey} was served to a stranger`)
      },
    })
    const accept = mustLogIn ? login : open
    accept?.(attacker.socket)
    return attacker
  }

  async function attack(): Promise<void> {
    const attackers = Array.from({ length: attackerCount }, newAttacker)
    for (let sent = 0; sent < options.frames && history.violation === undefined;) {
      for (const [index, attacker] of attackers.entries()) {
        if (!attacker.isOpen || attacker.unanswered > patience) {
          if (!attacker.isOpen) closed += 1
          attacker.close()
          attackers[index] = newAttacker()
          continue
        }
        if (!attacker.mayTake) {
          attacker.unanswered += 1
          continue
        }
        const frames = Array.from({ length: 1 + random.below(3) }, () =>
          hostileFrame(random, pool, ++sent),
        )
        lastFrame = frames.length === 1 ? (frames[0] ?? lastFrame) : Buffer.concat(frames)
        options.onFrame?.(lastFrame)
        attacker.send(lastFrame)
      }
      await passes(simulation, random)
    }
    for (const attacker of attackers) attacker.close()
  }

  async function live(): Promise<void> {
    broker.start()
    const admin = connect(simulation.machine('admin').platform)
    await makeTopics(admin)
    let isOver = false
    const producing = watch(
      'The producer',
      produce(
        on(simulation.machine('producer')),
        'producer',
        seededRandom(seed, 'producer'),
        () => !isOver,
      ),
    )
    void joinGroup(on(simulation.machine('member')))
    let readTo: readonly number[] = []
    let isRead = false
    const reading = watch(
      'The reader',
      tail(on(simulation.machine('reader')), positions => {
        readTo = positions
        return isRead
      }),
    )
    await attack()
    isOver = true
    await producing
    await observe(on(simulation.machine('observer')), (ends, committed) =>
      ends.every((end, partition) => committed[partition] === end && readTo[partition] === end),
    )
    isRead = true
    await reading
    broker.stop('power loss')
    broker.start()
    await readLog(on(simulation.machine('late reader')))
    await readEverything(admin, broken)
    await admin.close()
  }

  try {
    let isOver = false
    const life = watch('The run', live()).finally(() => (isOver = true))
    const isEnough = (): boolean => isOver || history.violation !== undefined
    await simulation.run(isEnough, { maxVirtualMs: 600_000 })
    if (history.violation === undefined) await simulation.run(life)
  } catch (error) {
    broken(error instanceof Error ? error.message : String(error))
  }
  return {
    violation: history.violation,
    lastFrame: lastFrame.toString('hex'),
    answers,
    closed,
    acknowledged: history.acknowledgedCount,
  }
}

/** The platform, with what the broker does with a new connection told to `tell`. */
function tapped(platform: Platform, tell: (accept: (socket: Socket) => void) => void): Platform {
  const { sockets } = platform
  return {
    ...platform,
    sockets: {
      ...sockets,
      listen(address, accept) {
        tell(accept)
        return sockets.listen(address, accept)
      },
    },
  }
}

/** Lets the broker get on with what it was sent. */
function passes(simulation: Simulation, random: SeededRandom): Promise<void> {
  return new Promise(resolve => simulation.after(random.within({ min: 0, max: 3 }), resolve))
}

async function makeTopics(admin: LogClient): Promise<void> {
  const segments = { 'segment.bytes': '20000' }
  await admin.createTopics([
    { name: topic, partitions: 2, configs: { ...segments, 'retention.ms': '-1' } },
    ...fuzzTopics.map(name => ({
      name,
      partitions: 2,
      configs: name.endsWith('compacted')
        ? { ...segments, 'cleanup.policy': 'compact', 'min.cleanable.dirty.ratio': '0.01' }
        : segments,
    })),
  ])
}

/** Every partition of every topic gives sound batches from its start to its end. */
async function readEverything(
  client: LogClient,
  broken: (sentence: string) => void,
): Promise<void> {
  const topics = await client.describeTopics()
  const partitions = [...topics].flatMap(([name, description]) =>
    Array.from({ length: description.partitions }, (_, partition) => ({ topic: name, partition })),
  )
  const starts = await client.listOffsets(partitions, 'earliest')
  const ends = await client.listOffsets(partitions, 'latest')
  const consumer = client.consumer({ maxPartitionBytes: 100_000 })
  consumer.assign(starts)
  const isMissing = (): boolean => ends.some(end => consumer.position(end) < end.offset)
  while (isMissing()) {
    const fetched = await consumer.poll(1_000).catch((error: unknown) => {
      // Hostile records may be so old that they expire under the reader.
      if (!(error instanceof OffsetOutOfRange)) throw error
      const { topic: name, partition, logStartOffset } = error
      consumer.seek({ topic: name, partition, offset: logStartOffset })
      return []
    })
    for (const { topic: name, partition, batches } of fetched) {
      for (let at = 0; at < batches.length; at += recordBatch.sizeInBytes(batches, at)) {
        const problem = recordBatch.checkBatch(batches, at)
        if (problem === null) continue
        broken(`${name}-${partition} gives a damaged batch: ${problem.text}`)
        return
      }
    }
  }
  await consumer.close()
}
