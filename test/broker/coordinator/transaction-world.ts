/**
 * One transactional id in a world where everything happens at the worst time: two producers that take turns with it, give up
 * on answers and try again on other connections, a network that delivers late what they gave up on, a disk that is full now
 * and then, and a coordinator that crashes and finds of its records only those that were durable, or a few more. The world
 * knows what the coordinator cannot: which transaction of which producer every request was meant for.
 */
import assert from 'node:assert/strict'
import { errorCode, isRetriable } from '../../../src/protocol/error-codes.ts'
import {
  type EndType,
  type Moment,
  needsProducerId,
  step,
  type TransactionInput,
} from '../../../src/broker/coordinator/transaction.ts'
import {
  readTransaction,
  transactionRecord,
} from '../../../src/broker/coordinator/transaction-records.ts'
import {
  hasPartition,
  isPrepared,
  isSameInstance,
  type ProducerInstance,
  type Transaction,
} from '../../../src/broker/coordinator/transaction-state.ts'

export const settings = { transactionMaxTimeoutMs: 10_000, transactionalIdExpirationMs: 50_000 }
export const PARTITIONS = 3
const TOPIC = 'topic'
const ID = 't'

export type Intent =
  | { readonly kind: 'init'; readonly isSuccessor: boolean }
  | { readonly kind: 'add'; readonly partition: number }
  | { readonly kind: 'end'; readonly type: EndType }

/** A transaction as its producer sees it: the producer's name and a number. */
type Tag = string

interface Request {
  readonly client: Client
  readonly incarnation: number
  readonly connection: number
  readonly intent: Intent
  readonly instance: ProducerInstance | null
  readonly tag: Tag
}

class Client {
  readonly name: string
  /** Grows when the producer crashes: the new one knows nothing of the old one's requests. */
  incarnation = 0
  connection = 0
  /** Connections that it has besides, for the next request or for when the other one fails. */
  spare: number[] = []
  /** The connection that it opened because it had none, until it turns to others or something of it arrives late. */
  opened = 0
  instance: ProducerInstance | null = null
  transaction = 0
  asking: Request | null = null
  /** The end it has asked for and not heard of, when it may try again only that. */
  wanted: Intent | null = null
  added = new Set<number>()

  constructor(name: string) {
    this.name = name
  }

  get tag(): Tag {
    return `${this.name}.${this.incarnation}.${this.transaction}`
  }
}

interface Stored {
  readonly key: Buffer
  readonly value: Buffer | null
  readonly tag: Tag
}

interface Reply {
  readonly request: Request
  readonly code: number
  readonly instance: ProducerInstance | null
  /** Records that must be durable before it is sent; Infinity: the transaction must be complete. */
  needs: number
}

export class TransactionWorld {
  readonly clients: readonly Client[] = [new Client('a'), new Client('b')]
  /** What happened, so that a test can tell that it has seen everything. */
  readonly seen = new Map<string, number>()
  isDiskFull = false
  private now: Omit<Moment, 'newestConnection'> = { monotonicMs: 0, wallMs: 1_000_000 }
  private state: Transaction | null = null
  private settled: Transaction | null = null
  /** The transaction that the coordinator has open or ends. */
  private tag: Tag = ''
  private readonly stored: Stored[] = []
  private durable = 0
  /** By order of sending; those of one connection are delivered in it. */
  private requests: Request[] = []
  private replies: Reply[] = []
  private connections = 0
  private ids = 0n
  /** Partitions that have no marker of the prepared transaction yet. Null when there is none whose record is durable. */
  private left: Set<number> | null = null
  private readonly owners = new Map<string, string>()
  private newest: (ProducerInstance & { readonly owner: string }) | null = null
  /** By partition: what is open there, and by which producer id. */
  private readonly open = Array.from({ length: PARTITIONS }, () => new Map<bigint, Set<Tag>>())
  private readonly outcomes = new Map<Tag, EndType>()

  /** The producer goes on in its work: asks for something, unless it waits for an answer. */
  ask(index: number, intent: Intent): void {
    const client = this.client(index)
    if (client.asking !== null) return
    if (client.instance === null || client.wanted?.kind === 'init') {
      this.send(client, client.wanted ?? { kind: 'init', isSuccessor: true })
    } else if (client.wanted !== null) {
      this.send(client, client.wanted)
    } else if (intent.kind === 'init' && client.added.size > 0) {
      this.send(client, { kind: 'end', type: 'abort' })
    } else if (intent.kind !== 'end' || client.added.size > 0) {
      this.send(client, intent)
    }
  }

  private send(client: Client, intent: Intent): void {
    if (client.connection === 0) {
      client.connection = ++this.connections
      client.opened = client.connection
    }
    client.wanted = intent
    const { incarnation, connection, instance, tag } = client
    client.asking = { client, incarnation, connection, intent, instance, tag }
    this.requests.push(client.asking)
  }

  /** The producer writes records to a partition that it has added. */
  write(index: number, partition: number): void {
    const client = this.client(index)
    const { instance, tag } = client
    if (instance === null || client.wanted !== null || !client.added.has(partition)) return
    const { state, settled } = this
    const isLet =
      state?.phase === 'Ongoing' &&
      isSameInstance(state, instance) &&
      settled?.phase === 'Ongoing' &&
      hasPartition(settled.partitions, TOPIC, partition)
    if (!isLet) return
    this.note('written')
    assert.equal(tag, this.tag, 'records are written in the transaction they belong to')
    const open = this.open[partition]?.get(instance.producerId) ?? new Set()
    this.open[partition]?.set(instance.producerId, open.add(tag))
  }

  /** The producer opens a connection more. */
  connect(index: number): void {
    this.client(index).spare.push(++this.connections)
  }

  /** The producer goes on with another one of its connections. */
  turn(index: number): void {
    const client = this.client(index)
    const next = client.spare.shift()
    if (client.asking !== null || next === undefined) return
    if (client.connection !== 0) client.spare.push(client.connection)
    client.connection = next
    client.opened = 0
    this.note('turned')
  }

  /** The producer stops waiting for an answer, and asks again on another connection, a new one if it has no other. */
  giveUp(index: number): void {
    const client = this.client(index)
    const { asking } = client
    if (asking === null) return
    this.note('gave up')
    client.connection = client.spare.shift() ?? 0
    client.asking = null
    this.send(client, asking.intent)
  }

  /** The producer crashes, and another process starts in its place. */
  restart(index: number): void {
    const client = this.client(index)
    client.incarnation++
    client.connection = 0
    client.spare = []
    client.instance = null
    client.asking = null
    client.wanted = null
    client.added = new Set()
  }

  /** A request arrives, the oldest of its connection. */
  deliver(choice: number): void {
    const chosen = this.requests[choice % Math.max(this.requests.length, 1)]
    if (chosen === undefined) return
    const first = this.requests.find(({ connection }) => connection === chosen.connection)
    assert(first !== undefined)
    this.requests = this.requests.filter(request => request !== first)
    this.serve(first)
  }

  private serve(request: Request): void {
    const before = this.state
    if (request.client.asking !== request) request.client.opened = 0
    const code = this.apply(this.inputOf(request), request.tag)
    const { intent, instance } = request
    const isChanged = this.state !== before && this.state !== null && before !== null
    if (isChanged && before.phase === 'Ongoing' && isPreparedNow(this.state)) {
      if (intent.kind === 'end') {
        assert.equal(request.tag, this.tag, 'an end ends the transaction that it was meant for')
        this.note(`decided ${intent.type}`)
      } else {
        const isOwn = intent.kind === 'init' && !intent.isSuccessor
        if (isOwn) assert.equal(request.tag, this.tag, 'a producer ends no later one of its own')
        this.note('fenced open')
      }
    }
    if (code === errorCode.NONE && instance !== null && this.newest !== null) {
      const { owner } = this.newest
      const isRepeated = intent.kind === 'init' && ownerOf(request) === owner
      const isOut = isOlder(instance, this.newest) && !isRepeated
      assert(isNewStart(intent) || !isOut, 'who was shut out stays so')
    }
    if (code === errorCode.NOT_COORDINATOR) this.cut(request)
    const isDeciding = intent.kind === 'end' && code === errorCode.NONE && isPreparedNow(this.state)
    this.replies.push({
      request,
      code,
      instance: this.state,
      needs: isDeciding ? Infinity : this.stored.length,
    })
    this.answer()
  }

  /** The request came on a connection that the producer has left, or so it seemed. */
  private cut(request: Request): void {
    const { client, connection } = request
    if (client.asking !== request) return this.note('overtaken')
    this.note('cut')
    assert.notEqual(client.opened, connection, 'nobody is shut out who opens a connection')
    client.connection = 0
  }

  private inputOf({ intent, instance, connection }: Request): TransactionInput {
    if (intent.kind === 'init') {
      return {
        kind: 'init',
        transactionalId: ID,
        timeoutMs: 2000,
        expected: intent.isSuccessor ? null : instance,
        freshProducerId: needsProducerId(this.state) ? ++this.ids : null,
      }
    }
    assert(instance !== null)
    if (intent.kind === 'end') return { ...intent, producer: instance, connection }
    const partitions = new Map([[TOPIC, new Set([intent.partition])]])
    return { kind: 'add', producer: instance, connection, partitions }
  }

  private apply(input: TransactionInput, tag: Tag): number {
    const moment = { ...this.now, newestConnection: this.connections }
    const { next, write, errorCode: code } = step(this.state, input, moment, settings)
    if (write && this.isDiskFull) {
      this.note('disk full')
      return errorCode.COORDINATOR_NOT_AVAILABLE
    }
    if (next?.phase === 'Ongoing' && this.state?.phase !== 'Ongoing') this.tag = tag
    this.state = next
    if (write) this.stored.push({ ...transactionRecord(ID, next), tag: this.tag })
    return code
  }

  /** What was written becomes durable. */
  flush(): void {
    if (this.durable === this.stored.length) return
    this.durable = this.stored.length
    this.settled = this.state
    if (isPreparedNow(this.state) && this.left === null) this.prepareMarkers()
    this.answer()
  }

  private prepareMarkers(): void {
    this.left = new Set(this.state?.partitions.get(TOPIC) ?? [])
  }

  /** One partition gets its marker; after the last the transaction is complete. */
  mark(): void {
    const { left, state } = this
    if (left === null || state === null) return
    const [partition] = left
    if (partition !== undefined) {
      this.writeMarker(partition, state)
      left.delete(partition)
    }
    if (left.size > 0 || this.apply({ kind: 'ended' }, this.tag) !== errorCode.NONE) return
    this.left = null
    for (const reply of this.replies) {
      if (reply.needs === Infinity) reply.needs = this.durable
    }
    this.answer()
  }

  private writeMarker(partition: number, { producerId, phase }: Transaction): void {
    const type = phase === 'PrepareCommit' ? 'commit' : 'abort'
    for (const tag of this.open[partition]?.get(producerId) ?? []) {
      assert.equal(tag, this.tag, 'a marker ends the transaction it is of')
      assert.equal(this.outcomes.get(tag) ?? type, type, 'a transaction has one outcome')
      this.outcomes.set(tag, type)
    }
    this.open[partition]?.delete(producerId)
  }

  private answer(): void {
    const ready = this.replies.filter(({ needs }) => needs <= this.durable)
    this.replies = this.replies.filter(({ needs }) => needs > this.durable)
    for (const reply of ready) this.hear(reply)
  }

  private hear({ request, code, instance }: Reply): void {
    const { client, intent, tag } = request
    if (code === errorCode.NONE && intent.kind === 'init' && instance !== null) {
      if (this.newest === null || isOlder(this.newest, instance)) {
        this.newest = { ...instance, owner: ownerOf(request) }
      }
    }
    if (client.asking !== request) return
    client.asking = null
    // The producer tries again what may still be done.
    if (isRetriable(code)) return
    client.wanted = null
    if (code !== errorCode.NONE) {
      this.note('refused')
      return this.restart(this.clients.indexOf(client))
    }
    if (intent.kind === 'add') {
      client.added.add(intent.partition)
    } else if (intent.kind === 'end') {
      for (const open of this.open) {
        for (const tags of open.values()) assert(!tags.has(tag), 'it has ended everywhere')
      }
      assert.equal(this.outcomes.get(tag) ?? intent.type, intent.type, 'as the producer was told')
      this.note(`told ${intent.type}`)
      client.transaction++
      client.added = new Set()
    } else {
      assert(instance !== null)
      const { producerId, producerEpoch } = instance
      const name = `${producerId}/${producerEpoch}`
      const owner = ownerOf(request)
      assert.equal(this.owners.get(name) ?? owner, owner, 'an instance belongs to one producer')
      this.owners.set(name, owner)
      client.instance = { producerId, producerEpoch }
      client.transaction++
      this.note(intent.isSuccessor ? 'started' : 'newer epoch')
    }
  }

  pass(ms: number): void {
    const { monotonicMs, wallMs } = this.now
    this.now = { monotonicMs: monotonicMs + ms, wallMs: wallMs + ms }
    if (this.state === null || this.state.deadlineMs > this.now.monotonicMs) return
    const before = this.state.phase
    if (this.apply({ kind: 'tick' }, this.tag) === errorCode.NONE) this.note(`due ${before}`)
  }

  /** The coordinator crashes and starts anew, `kept` records after the durable ones. */
  crash(kept: number): void {
    this.note('crashed')
    this.durable = Math.min(this.durable + kept, this.stored.length)
    this.stored.length = this.durable
    this.requests = []
    this.replies = []
    this.left = null
    this.state = null
    this.now = { ...this.now, monotonicMs: 0 }
    for (const { key, value, tag } of this.stored) {
      const moment = { ...this.now, newestConnection: this.connections }
      this.state = readTransaction(key, value, moment, settings)?.transaction ?? null
      this.tag = tag
    }
    this.settled = this.state
    if (isPreparedNow(this.state)) this.prepareMarkers()
    for (const client of this.clients) {
      client.connection = 0
      client.spare = []
      if (client.asking === null) continue
      client.asking = null
    }
  }

  /** Everybody goes away, and time passes: nothing may stay behind. */
  end(): void {
    this.isDiskFull = false
    this.requests = []
    for (let round = 0; this.state !== null; round++) {
      assert(round < 100, 'it comes to an end')
      this.flush()
      for (let n = 0; n <= PARTITIONS; n++) this.mark()
      this.pass(20_000)
    }
    for (const open of this.open) assert.equal(open.size, 0, 'no transaction stays open')
  }

  private client(index: number): Client {
    const client = this.clients[index]
    assert(client !== undefined)
    return client
  }

  private note(what: string): void {
    this.seen.set(what, (this.seen.get(what) ?? 0) + 1)
  }
}

function isPreparedNow(state: Transaction | null): boolean {
  return state !== null && isPrepared(state)
}

function isNewStart(intent: Intent): boolean {
  return intent.kind === 'init' && intent.isSuccessor
}

function ownerOf({ client, incarnation }: Request): string {
  return `${client.name}.${incarnation}`
}

function isOlder(a: ProducerInstance, b: ProducerInstance): boolean {
  return a.producerId === b.producerId
    ? a.producerEpoch < b.producerEpoch
    : a.producerId < b.producerId
}
