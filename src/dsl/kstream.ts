import type { AsyncCall, AsyncOptions } from '../topology/async-call.ts'
import type { AsyncProcessorSupplier } from '../topology/async-processor.ts'
import type { FixedKeyProcessorSupplier } from '../topology/fixed-key-processor.ts'
import type { ProcessorSupplier } from '../topology/processor.ts'
import type { RecordContext } from '../topology/record.ts'
import type { BranchedKStream } from './branched-kstream.ts'
import type { Handle, handle } from './handle.ts'
import type { GlobalKTable } from './global-ktable.ts'
import type { KGroupedStream } from './kgrouped-stream.ts'
import type { KTable } from './ktable.ts'
import type { DurationLike } from '../windowing/duration.ts'
import type { JoinWindows } from '../windowing/join-windows.ts'
import type {
  Deduplicated,
  DeduplicatedById,
  Grouped,
  Joined,
  Materialized,
  Named,
  Printed,
  Processed,
  Produced,
  Repartitioned,
  StreamJoined,
} from './options.ts'
import type { SameKey, SameRecords, SameStreamKey } from './same-key.ts'

/**
 * A stream of records: each one is a fact of its own. Every method adds a node to the topology and returns what comes
 * out of it; nothing runs yet.
 *
 * Functions are called as in Kafka Streams: with `(key, value)`, except where it has a form for the value alone
 * (`mapValues`, `flatMapValues`, joiners). There the value comes first and the key, which such a function cannot
 * change, last: `mapValues((value, key) => …)`.
 *
 * Keys and values may be null at run time, whatever their types say: a record of a Kafka topic may have neither.
 * Stateless operators hand them to your functions; aggregations and joins drop them, as each one says.
 */
export interface KStream<K, V> {
  readonly kind: 'KStream'
  readonly [handle]: Handle<K, V>

  /**
   * The records for which the predicate is true; a type guard narrows the values after it. `KSTREAM-FILTER`.
   *
   * @example
   * ```ts
   * import { string } from 'millrace'
   * import { TestDriver } from 'millrace/testing'
   *
   * const text = { key: string(), value: string() }
   * const driver = new TestDriver(builder => {
   *   builder.stream('words', text).filter((_, word) => word.length > 2).to('long-words')
   * })
   * driver.inputTopic('words', text).pipe('a', 'no')
   * driver.inputTopic('words', text).pipe('b', 'yes')
   * driver.outputTopic('long-words', text).readAll() // → [{ key: 'b', value: 'yes', … }]
   * ```
   */
  filter<S extends V>(predicate: (key: K, value: V) => value is S, options?: Named): KStream<K, S>
  filter(predicate: (key: K, value: V) => boolean, options?: Named): KStream<K, V>

  /**
   * The records for which the predicate is false. `KSTREAM-FILTER`.
   *
   * @example
   * ```ts
   * import { string } from 'millrace'
   * import { TestDriver } from 'millrace/testing'
   *
   * const text = { key: string(), value: string() }
   * const driver = new TestDriver(builder => {
   *   builder.stream('words', text).filterNot((_, word) => word.length > 2).to('short-words')
   * })
   * driver.inputTopic('words', text).pipe('a', 'no')
   * driver.inputTopic('words', text).pipe('b', 'yes')
   * driver.outputTopic('short-words', text).readAll() // → [{ key: 'a', value: 'no', … }]
   * ```
   */
  filterNot(predicate: (key: K, value: V) => boolean, options?: Named): KStream<K, V>

  /**
   * Records with a new key and value: the mapper returns `[key, value]`. A grouping or join after it goes through a
   * repartition topic. `KSTREAM-MAP`.
   *
   * @example
   * ```ts
   * import { string } from 'millrace'
   * import { TestDriver } from 'millrace/testing'
   *
   * const text = { key: string(), value: string() }
   * const driver = new TestDriver(builder => {
   *   builder.stream('words', text).map((id, word) => [word, id]).to('ids', text)
   * })
   * driver.inputTopic('words', text).pipe('a', 'yes')
   * driver.outputTopic('ids', text).readAll() // → [{ key: 'yes', value: 'a', … }]
   * ```
   */
  map<K2, V2>(mapper: (key: K, value: V) => readonly [K2, V2], options?: Named): KStream<K2, V2>

  /**
   * Records with a new value; the key stays, so no repartition topic is needed after it. `KSTREAM-MAPVALUES`.
   *
   * @example
   * ```ts
   * import { integer, string } from 'millrace'
   * import { TestDriver } from 'millrace/testing'
   *
   * const text = { key: string(), value: string() }
   * const counts = { key: string(), value: integer() }
   * const driver = new TestDriver(builder => {
   *   builder.stream('words', text).mapValues(word => word.length).to('lengths', counts)
   * })
   * driver.inputTopic('words', text).pipe('a', 'yes')
   * driver.outputTopic('lengths', counts).readAll() // → [{ key: 'a', value: 3, … }]
   * ```
   */
  mapValues<V2>(mapper: (value: V, key: K) => V2, options?: Named): KStream<K, V2>

  /**
   * For each record any number of others: the mapper returns `[key, value]` pairs. A grouping or join after it goes
   * through a repartition topic. `KSTREAM-FLATMAP`.
   *
   * @example
   * ```ts
   * import { string } from 'millrace'
   * import { TestDriver } from 'millrace/testing'
   *
   * const text = { key: string(), value: string() }
   * const driver = new TestDriver(builder => {
   *   builder
   *     .stream('lines', text)
   *     .flatMap((id, line) => line.split(' ').map(word => [word, id] as const))
   *     .to('ids', text)
   * })
   * driver.inputTopic('lines', text).pipe('a', 'yes no')
   * driver.outputTopic('ids', text).readAll() // → [
   * //   { key: 'yes', value: 'a', … },
   * //   { key: 'no', value: 'a', … }
   * // ]
   * ```
   */
  flatMap<K2, V2>(
    mapper: (key: K, value: V) => Iterable<readonly [K2, V2]>,
    options?: Named,
  ): KStream<K2, V2>

  /**
   * For each record any number of others with the same key. `KSTREAM-FLATMAPVALUES`.
   *
   * @example
   * ```ts
   * import { string } from 'millrace'
   * import { TestDriver } from 'millrace/testing'
   *
   * const text = { key: string(), value: string() }
   * const driver = new TestDriver(builder => {
   *   builder.stream('lines', text).flatMapValues(line => line.split(' ')).to('words', text)
   * })
   * driver.inputTopic('lines', text).pipe('a', 'yes no')
   * driver.outputTopic('words', text).readAll() // → [
   * //   { key: 'a', value: 'yes', … },
   * //   { key: 'a', value: 'no', … }
   * // ]
   * ```
   */
  flatMapValues<V2>(mapper: (value: V, key: K) => Iterable<V2>, options?: Named): KStream<K, V2>

  /**
   * Records with a new key. A grouping or join after it goes through a repartition topic. `KSTREAM-KEY-SELECT`.
   *
   * @example
   * ```ts
   * import { string } from 'millrace'
   * import { TestDriver } from 'millrace/testing'
   *
   * const text = { key: string(), value: string() }
   * const driver = new TestDriver(builder => {
   *   builder.stream('words', text).selectKey((_, word) => word.charAt(0)).to('by-letter', text)
   * })
   * driver.inputTopic('words', text).pipe('a', 'yes')
   * driver.outputTopic('by-letter', text).readAll() // → [{ key: 'y', value: 'yes', … }]
   * ```
   */
  selectKey<K2>(mapper: (key: K, value: V) => K2, options?: Named): KStream<K2, V>

  /**
   * Shows each record to the action and passes it on. `KSTREAM-PEEK`.
   *
   * @example
   * ```ts
   * import { string } from 'millrace'
   * import { TestDriver } from 'millrace/testing'
   *
   * const text = { key: string(), value: string() }
   * const seen: string[] = []
   * const driver = new TestDriver(builder => {
   *   builder.stream('words', text).peek((_, word) => seen.push(word)).to('same-words')
   * })
   * driver.inputTopic('words', text).pipe('a', 'yes')
   * seen // → ['yes']
   * driver.outputTopic('same-words', text).readAll() // → [{ key: 'a', value: 'yes', … }]
   * ```
   */
  peek(action: (key: K, value: V) => void, options?: Named): KStream<K, V>

  /**
   * Ends the stream in an action, which is synchronous; after a crash it may see a record again. `KSTREAM-FOREACH`.
   *
   * @example
   * ```ts
   * import { string } from 'millrace'
   * import { TestDriver } from 'millrace/testing'
   *
   * const text = { key: string(), value: string() }
   * const seen: string[] = []
   * const driver = new TestDriver(builder => {
   *   builder.stream('words', text).foreach((id, word) => seen.push(`${id}: ${word}`))
   * })
   * driver.inputTopic('words', text).pipe('a', 'yes')
   * seen // → ['a: yes']
   * ```
   */
  foreach(action: (key: K, value: V) => void, options?: Named): void

  /**
   * Prints each record on a line, by default to the standard output; nothing comes after it. `KSTREAM-PRINTER`.
   *
   * @example
   * ```ts
   * import { string } from 'millrace'
   * import { TestDriver } from 'millrace/testing'
   *
   * const text = { key: string(), value: string() }
   * const lines: string[] = []
   * const driver = new TestDriver(builder => {
   *   const words = builder.stream('words', text)
   *   words.print({ label: 'word', write: line => lines.push(line) })
   * })
   * driver.inputTopic('words', text).pipe('a', 'yes')
   * driver.inputTopic('words', text).pipe('b', null)
   * lines // → ['[word]: a, yes\n', '[word]: b, null\n']
   * ```
   */
  print(options?: Printed<K, V>): void

  /**
   * The records of both streams, in no order between them. Throws INVALID_TOPOLOGY for a stream of another builder.
   * `KSTREAM-MERGE`.
   *
   * @example
   * ```ts
   * import { string } from 'millrace'
   * import { TestDriver } from 'millrace/testing'
   *
   * const text = { key: string(), value: string() }
   * const driver = new TestDriver(builder => {
   *   builder.stream('north', text).merge(builder.stream('south', text)).to('both', text)
   * })
   * driver.inputTopic('south', text).pipe('a', 'hot')
   * driver.inputTopic('north', text).pipe('a', 'cold')
   * driver.outputTopic('both', text).readAll() // → [
   * //   { key: 'a', value: 'hot', … },
   * //   { key: 'a', value: 'cold', … }
   * // ]
   * ```
   */
  merge<KO, VO>(other: KStream<KO, VO> & SameRecords<K, V, KO, VO>, options?: Named): KStream<K, V>

  /**
   * Splits the stream into branches: each record goes to the first one whose predicate is true. The branches are had by
   * `defaultBranch` or `noDefaultBranch`, which ends the split; their nodes are called after it: name of the split, then
   * name of the branch. `KSTREAM-BRANCH`.
   *
   * @example
   * ```ts
   * import { string } from 'millrace'
   * import { TestDriver } from 'millrace/testing'
   *
   * const text = { key: string(), value: string() }
   * const driver = new TestDriver(builder => {
   *   const { long, other } = builder
   *     .stream('words', text)
   *     .split({ name: 'words-' })
   *     .branch((_, word) => word.length > 2, { name: 'long' })
   *     .defaultBranch({ name: 'other' })
   *   long.to('long-words')
   *   other.to('other-words')
   * })
   * driver.inputTopic('words', text).pipe('a', 'yes')
   * driver.inputTopic('words', text).pipe('b', 'no')
   * driver.outputTopic('long-words', text).readAll() // → [{ key: 'a', value: 'yes', … }]
   * driver.outputTopic('other-words', text).readAll() // → [{ key: 'b', value: 'no', … }]
   * ```
   */
  split(options?: Named): BranchedKStream<K, V>

  /**
   * Hands each record to a processor of your own, which forwards what it likes, as often as it likes, also later, from a
   * punctuator. Keys may change, so what is grouped or joined after it goes through a repartition topic. What it forwards has
   * the types of this stream unless the call names others. `KSTREAM-PROCESSOR`.
   *
   * @example
   * ```ts
   * import { string } from 'millrace'
   * import { TestDriver } from 'millrace/testing'
   *
   * const text = { key: string(), value: string() }
   * const driver = new TestDriver(builder => {
   *   builder
   *     .stream('lines', text)
   *     .process(context => {
   *       context.schedule({ every: { minutes: 1 }, type: 'wallClock' }, now => {
   *         context.forward({ key: 'clock', value: 'tick', timestamp: now, headers: [] })
   *       })
   *       return {
   *         process(record) {
   *           for (const word of record.value.split(' ')) context.forward({ ...record, value: word })
   *         },
   *       }
   *     })
   *     .to('words', text)
   * })
   * driver.inputTopic('lines', text).pipe('a', 'yes no')
   * driver.advance(60_000)
   * driver.outputTopic('words', text).readAll().map(({ value }) => value) // → ['yes', 'no', 'tick']
   * ```
   */
  process<KOut = K, VOut = V>(
    supplier: ProcessorSupplier<K, V, KOut, VOut>,
    options?: Processed,
  ): KStream<KOut, VOut>

  /**
   * Records with a new value that takes time to get: from a service, a database, a model. Up to `concurrency` calls are made at
   * a time in each task, and results keep the order of each key. A call that fails or times out is tried again as the options say;
   * after the last attempt the processing exception handler decides about the record. Offsets are committed only when the
   * calls of all records before them have ended. `KSTREAM-MAPVALUES-ASYNC`.
   *
   * The mapper may be called again for a record, after a retry, a crash or a move of its task: results count as often as those of
   * other operators, what the mapper did elsewhere is done twice. A mapper that returns no promise, because it knows the answer,
   * is not waited for. Several results of a record are an array and a `flatMapValues` after it. Throws INVALID_CONFIG for options that
   * cannot work.
   *
   * @example
   * ```ts
   * import { string } from 'millrace'
   * import { TestDriver } from 'millrace/testing'
   *
   * const weather = async (city: string, signal: AbortSignal): Promise<string> => {
   *   signal.throwIfAborted()
   *   return city === 'Bern' ? 'rain' : 'sun'
   * }
   * const text = { key: string(), value: string() }
   * const driver = new TestDriver(builder => {
   *   builder
   *     .stream('cities', text)
   *     .mapValuesAsync((city, _key, { signal }) => weather(city, signal), {
   *       concurrency: 32,
   *       timeoutMs: 2000,
   *       retries: 5,
   *     })
   *     .to('weather', text)
   * })
   * driver.inputTopic('cities', text).pipe('a', 'Bern')
   * await driver.settle()
   * driver.outputTopic('weather', text).readAll() // → [{ key: 'a', value: 'rain', … }]
   * ```
   */
  mapValuesAsync<V2>(
    mapper: (value: V, key: K, call: AsyncCall) => V2 | PromiseLike<V2>,
    options?: Named & AsyncOptions<K>,
  ): KStream<K, V2>

  /**
   * As `mapValuesAsync`, with a mapper that comes to `[key, value]`. A grouping or join after it goes through a repartition
   * topic. `KSTREAM-MAP-ASYNC`.
   *
   * @example
   * ```ts
   * import { string } from 'millrace'
   * import { TestDriver } from 'millrace/testing'
   *
   * const ownerOf = async (car: string) => (car === 'B 1' ? 'ada' : 'bob')
   * const text = { key: string(), value: string() }
   * const driver = new TestDriver(builder => {
   *   builder
   *     .stream('cars', text)
   *     .mapAsync(async (car, event) => [await ownerOf(car), event])
   *     .to('owners', text)
   * })
   * driver.inputTopic('cars', text).pipe('B 1', 'parked')
   * await driver.settle()
   * driver.outputTopic('owners', text).readAll() // → [{ key: 'ada', value: 'parked', … }]
   * ```
   */
  mapAsync<K2, V2>(
    mapper: (
      key: K,
      value: V,
      call: AsyncCall,
    ) => readonly [K2, V2] | PromiseLike<readonly [K2, V2]>,
    options?: Named & AsyncOptions<K>,
  ): KStream<K2, V2>

  /**
   * Does something that takes time with each record, in the order and with the options of `mapValuesAsync`; nothing comes after
   * it. It may be done again for a record, so give it something by which the other side can tell. `KSTREAM-FOREACH-ASYNC`.
   *
   * @example
   * ```ts
   * import { string } from 'millrace'
   * import { TestDriver } from 'millrace/testing'
   *
   * const mails = new Map<string, string>()
   * const text = { key: string(), value: string() }
   * const driver = new TestDriver(builder => {
   *   builder.stream('orders', text).foreachAsync(async (customer, order, { metadata }) => {
   *     mails.set(`${metadata?.topic} ${metadata?.partition} ${metadata?.offset}`, `${customer}: ${order}`)
   *   })
   * })
   * driver.inputTopic('orders', text).pipe('ada', 'tea')
   * await driver.settle()
   * mails.get('orders 0 0') // → 'ada: tea'
   * ```
   */
  foreachAsync(
    action: (key: K, value: V, call: AsyncCall) => unknown,
    options?: Named & AsyncOptions<K>,
  ): void

  /**
   * What a processor of yours makes of each record, with stores and with work that takes time; options as those of
   * `mapValuesAsync`. See `AsyncProcessor`. A grouping or join after it goes through a repartition topic.
   * `KSTREAM-PROCESSOR-ASYNC`.
   *
   * @example
   * ```ts
   * import { string } from 'millrace'
   * import { TestDriver } from 'millrace/testing'
   *
   * const text = { key: string(), value: string() }
   * const driver = new TestDriver(builder => {
   *   const words = builder.stream('lines', text).processAsync<string, string, string[]>(context => ({
   *     process: async ({ value }) => value.split(' '),
   *     completed(record, words) {
   *       for (const value of words) context.forward({ ...record, value })
   *     },
   *   }))
   *   words.to('words', text)
   * })
   * driver.inputTopic('lines', text).pipe('a', 'yes no')
   * await driver.settle()
   * driver.outputTopic('words', text).readAll().map(({ value }) => value) // → ['yes', 'no']
   * ```
   */
  processAsync<KOut = K, VOut = V, R = unknown>(
    supplier: AsyncProcessorSupplier<K, V, KOut, VOut, R>,
    options?: Processed & AsyncOptions<K>,
  ): KStream<KOut, VOut>

  /**
   * As `process`, with a processor that cannot change keys: it forwards the records that it was given, with other values,
   * times or headers, and nothing after it needs a repartition topic. `KSTREAM-PROCESSVALUES`.
   *
   * @example
   * ```ts
   * import { string } from 'millrace'
   * import { TestDriver } from 'millrace/testing'
   *
   * const text = { key: string(), value: string() }
   * const driver = new TestDriver(builder => {
   *   builder
   *     .stream('words', text)
   *     .processValues<string>(context => ({
   *       process(record) {
   *         const offset = context.recordMetadata?.offset
   *         context.forward(record.withValue(`${record.value} ${offset}`))
   *       },
   *     }))
   *     .to('numbered', text)
   * })
   * driver.inputTopic('words', text).pipe('a', 'yes')
   * driver.inputTopic('words', text).pipe('a', 'no')
   * driver.outputTopic('numbered', text).readAll().map(({ value }) => value) // → ['yes 0', 'no 1']
   * ```
   */
  processValues<VOut = V>(
    supplier: FixedKeyProcessorSupplier<K, V, VOut>,
    options?: Processed,
  ): KStream<K, VOut>

  /**
   * Groups by a new key, to aggregate. Serdes are for the repartition topic that this needs. `KSTREAM-KEY-SELECT`.
   *
   * @example
   * ```ts
   * import { string } from 'millrace'
   * import { TestDriver } from 'millrace/testing'
   *
   * const text = { key: string(), value: string() }
   * const driver = new TestDriver(builder => {
   *   builder.stream('words', text).groupBy((_, word) => word, text).count({ store: 'counts' })
   * })
   * driver.inputTopic('words', text).pipe('a', 'yes')
   * driver.inputTopic('words', text).pipe('b', 'yes')
   * driver.keyValueStore('counts').rows() // → [{ key: 'yes', value: 2, … }]
   * driver.producedTopics // → ['test-counts-repartition', 'test-counts-changelog']
   * ```
   */
  groupBy<K2>(selector: (key: K, value: V) => K2, options?: Grouped<K2, V>): KGroupedStream<K2, V>

  /**
   * Groups by the key that records have. Adds no node; repartitions only if the key was changed before.
   *
   * @example
   * ```ts
   * import { string } from 'millrace'
   * import { TestDriver } from 'millrace/testing'
   *
   * const text = { key: string(), value: string() }
   * const driver = new TestDriver(builder => {
   *   builder.stream('words', text).groupByKey().count({ store: 'counts' })
   * })
   * driver.inputTopic('words', text).pipe('a', 'yes')
   * driver.inputTopic('words', text).pipe('a', 'no')
   * driver.keyValueStore('counts').rows() // → [{ key: 'a', value: 2, … }]
   * driver.producedTopics // → ['test-counts-changelog']
   * ```
   */
  groupByKey(options?: Grouped<K, V>): KGroupedStream<K, V>

  /**
   * Writes the stream to an internal topic and reads it again, so that records are in the partition of their key.
   * Records without a key vanish. `KSTREAM-FILTER`, `KSTREAM-SINK` and `KSTREAM-SOURCE`.
   *
   * @example
   * ```ts
   * import { StreamsBuilder, describe, string } from 'millrace'
   *
   * const text = { key: string(), value: string() }
   * const builder = new StreamsBuilder()
   * builder.stream('words', text).repartition({ name: 'spread', partitions: 8 }).to('out')
   * describe(builder.build('app')) // →
   * // Topologies:
   * //    Sub-topology: 0
   * //     Source: KSTREAM-SOURCE-0000000000 (topics: [words])
   * //       --> spread-repartition-filter
   * //     Processor: spread-repartition-filter (stores: [])
   * //       --> spread-repartition-sink
   * //       <-- KSTREAM-SOURCE-0000000000
   * //     Sink: spread-repartition-sink (topic: spread-repartition)
   * //       <-- spread-repartition-filter
   * //
   * //   Sub-topology: 1
   * //     Source: spread-repartition-source (topics: [spread-repartition])
   * //       --> KSTREAM-SINK-0000000004
   * //     Sink: KSTREAM-SINK-0000000004 (topic: out)
   * //       <-- spread-repartition-source
   * ```
   */
  repartition(options?: Repartitioned<K, V>): KStream<K, V>

  /**
   * Says that records are in the partition of their key although the key was changed: groupings and joins after it need no
   * repartition topic. You must be sure: if two records of a key are in different partitions, each partition has a result of
   * its own for it. `KSTREAM-PARTITIONED`, KIP-759.
   *
   * @example
   * ```ts
   * import { string } from 'millrace'
   * import { TestDriver } from 'millrace/testing'
   *
   * const text = { key: string(), value: string() }
   * const driver = new TestDriver(builder => {
   *   builder
   *     .stream('words', text)
   *     .selectKey(id => `user ${id}`)
   *     .markAsPartitioned()
   *     .groupByKey(text)
   *     .count({ store: 'counts' })
   * })
   * driver.inputTopic('words', text).pipe('a', 'yes')
   * driver.keyValueStore('counts').rows() // → [{ key: 'user a', value: 1, … }]
   * driver.producedTopics // → ['test-counts-changelog']
   * ```
   */
  markAsPartitioned(options?: Named): KStream<K, V>

  /**
   * The first record of each key: those that come within the interval of it, before or after it in event time, are dropped
   * and counted. A record that is late by more than the interval, and one without a key, is let through. After a crash a
   * record that is processed again is no duplicate of itself. Costs one row per record that was let through, for as long as
   * the interval, and keeps the keys of those rows in memory. `KSTREAM-DEDUPLICATE`, KIP-655.
   *
   * Throws INVALID_CONFIG when the interval is not at least a millisecond.
   *
   * @example
   * ```ts
   * import { string } from 'millrace'
   * import { TestDriver } from 'millrace/testing'
   *
   * const text = { key: string(), value: string() }
   * const driver = new TestDriver(builder => {
   *   builder.stream('orders', text).deduplicateByKey({ seconds: 10 }).to('once')
   * })
   * const orders = driver.inputTopic('orders', text)
   * orders.pipe('a', 'first', { timestamp: 0 })
   * orders.pipe('a', 'again', { timestamp: 10_000 })
   * orders.pipe('a', 'later', { timestamp: 10_001 })
   * driver.outputTopic('once', text).readAll().map(({ value }) => value) // → ['first', 'later']
   * driver.droppedRecords // → 1
   * ```
   */
  deduplicateByKey(within: DurationLike, options?: Deduplicated<K, V>): KStream<K, V>

  /**
   * The same for each key and id: the selector says what identifies a record beside its key. Records without an id are let
   * through. `KSTREAM-DEDUPLICATE`, KIP-655.
   *
   * Throws INVALID_CONFIG when the interval is not at least a millisecond.
   *
   * @example
   * ```ts
   * import { string } from 'millrace'
   * import { TestDriver } from 'millrace/testing'
   *
   * const text = { key: string(), value: string() }
   * const driver = new TestDriver(builder => {
   *   builder
   *     .stream('orders', text)
   *     .deduplicateByKeyValue((_, order) => order, { seconds: 10 }, { id: string() })
   *     .to('once')
   * })
   * const orders = driver.inputTopic('orders', text)
   * for (const order of ['7', '8', '7']) orders.pipe('a', order)
   * driver.outputTopic('once', text).readAll().map(({ value }) => value) // → ['7', '8']
   * ```
   */
  deduplicateByKeyValue<Id>(
    idSelector: (key: K, value: V) => Id | null,
    within: DurationLike,
    options: DeduplicatedById<K, V, Id>,
  ): KStream<K, V>

  /**
   * Takes each record as the new row of its key, a null value as a deletion; records without a key are dropped.
   * `KSTREAM-TOTABLE`.
   *
   * @example
   * ```ts
   * import { string } from 'millrace'
   * import { TestDriver } from 'millrace/testing'
   *
   * const text = { key: string(), value: string() }
   * const driver = new TestDriver(builder => {
   *   builder.stream('words', text).toTable({ store: 'latest' })
   * })
   * driver.inputTopic('words', text).pipe('a', 'yes')
   * driver.inputTopic('words', text).pipe('a', 'no')
   * driver.keyValueStore('latest').rows() // → [{ key: 'a', value: 'no', … }]
   * ```
   */
  toTable(options?: Materialized<K, V>): KTable<K, V>

  /**
   * Adds the row of the record's key to each record; those without a row, a key or a value vanish. Changes of the table
   * give no results. The topics of both must have the same number of partitions, or the application does not start:
   * WRONG_PARTITIONS. `KSTREAM-JOIN`.
   *
   * @example
   * ```ts
   * import { string } from 'millrace'
   * import { TestDriver } from 'millrace/testing'
   *
   * const text = { key: string(), value: string() }
   * const driver = new TestDriver(builder => {
   *   const names = builder.table('names', text)
   *   const said = builder.stream('words', text).join(names, (word, name) => `${name}: ${word}`)
   *   said.to('said', text)
   * })
   * driver.inputTopic('names', text).pipe('a', 'Ada')
   * driver.inputTopic('words', text).pipe('a', 'yes')
   * driver.inputTopic('words', text).pipe('b', 'no')
   * driver.outputTopic('said', text).readAll() // → [{ key: 'a', value: 'Ada: yes', … }]
   * ```
   */
  join<KT, VT, V2>(
    table: KTable<KT, VT> & SameKey<K, KT>,
    joiner: (value: V, row: VT, key: K) => V2,
    options?: Joined<K, V>,
  ): KStream<K, V2>

  /**
   * Adds a row of a global table to each record, by a key that the selector computes; records without a row vanish.
   * `KSTREAM-LEFTJOIN`, the name that Kafka Streams gives both joins.
   *
   * @example
   * ```ts
   * import { string } from 'millrace'
   * import { TestDriver } from 'millrace/testing'
   *
   * const text = { key: string(), value: string() }
   * const driver = new TestDriver(builder => {
   *   const cities = builder.globalTable('cities', text)
   *   const cityOf = builder.stream('flights', text).join(
   *     cities,
   *     (_, flight) => flight.slice(0, 3),
   *     (flight, city) => `${flight} leaves ${city}`,
   *   )
   *   cityOf.to('departures', text)
   * })
   * driver.inputTopic('cities', text).pipe('VIE', 'Vienna')
   * driver.inputTopic('flights', text).pipe('OS1', 'VIE-LHR')
   * driver.outputTopic('departures', text).read()?.value // → 'VIE-LHR leaves Vienna'
   * ```
   */
  join<KT, VT, V2>(
    table: GlobalKTable<KT, VT>,
    keySelector: (key: K, value: V) => KT | null,
    joiner: (value: V, row: VT, key: K) => V2,
    options?: Named,
  ): KStream<K, V2>

  /**
   * The pairs of records of both streams that have the same key and whose times are near enough: each record meets those that
   * came before it, and waits for others as long as the windows say. Records without a key or a value are dropped. A result
   * has the later one's time. The topics of both must have the same number of partitions, or the application does not start:
   * WRONG_PARTITIONS. `KSTREAM-WINDOWED`, `KSTREAM-JOINTHIS`, `KSTREAM-JOINOTHER` and `KSTREAM-MERGE`.
   *
   * @example
   * ```ts
   * import { joinWindows, string } from 'millrace'
   * import { TestDriver } from 'millrace/testing'
   *
   * const text = { key: string(), value: string() }
   * const driver = new TestDriver(builder => {
   *   const shown = builder.stream('shown', text)
   *   const clicked = builder.stream('clicked', text)
   *   const within = joinWindows({ seconds: 10 }, { before: 0 })
   *   shown.join(clicked, (ad, spot) => `${ad}: ${spot}`, within).to('successes', text)
   * })
   * driver.inputTopic('shown', text).pipe('ann', 'shoes', { timestamp: 1_000 })
   * driver.inputTopic('clicked', text).pipe('ann', 'top', { timestamp: 4_000 })
   * driver.inputTopic('clicked', text).pipe('ann', 'left', { timestamp: 12_000 })
   * driver.outputTopic('successes', text).readAll() // → [
   * //   { key: 'ann', value: 'shoes: top', timestamp: 4_000, … }
   * // ]
   * ```
   */
  join<KO, VO, V2>(
    other: KStream<KO, VO> & SameStreamKey<K, KO>,
    joiner: (value: V, other: VO, key: K) => V2,
    windows: JoinWindows,
    options?: StreamJoined<K, V, VO>,
  ): KStream<K, V2>

  /**
   * As `join`, with a table or a global table, but records without a row or a key stay: the joiner gets null. Records
   * without a value are dropped. `KSTREAM-LEFTJOIN`.
   *
   * @example
   * ```ts
   * import { string } from 'millrace'
   * import { TestDriver } from 'millrace/testing'
   *
   * const text = { key: string(), value: string() }
   * const driver = new TestDriver(builder => {
   *   const names = builder.table('names', text)
   *   const words = builder.stream('words', text)
   *   const said = words.leftJoin(names, (word, name) => `${name}: ${word}`)
   *   said.to('said', text)
   * })
   * driver.inputTopic('words', text).pipe('a', 'yes')
   * driver.inputTopic('names', text).pipe('a', 'Ada')
   * driver.inputTopic('words', text).pipe('a', 'no')
   * driver.outputTopic('said', text).readAll() // → [
   * //   { key: 'a', value: 'null: yes', … },
   * //   { key: 'a', value: 'Ada: no', … }
   * // ]
   * ```
   */
  leftJoin<KT, VT, V2>(
    table: KTable<KT, VT> & SameKey<K, KT>,
    joiner: (value: V, row: VT | null, key: K) => V2,
    options?: Joined<K, V>,
  ): KStream<K, V2>
  leftJoin<KT, VT, V2>(
    table: GlobalKTable<KT, VT>,
    keySelector: (key: K, value: V) => KT | null,
    joiner: (value: V, row: VT | null, key: K) => V2,
    options?: Named,
  ): KStream<K, V2>

  /**
   * As `join` with a stream, but a record of this one that finds no partner gives a result too, with null, once its window
   * and grace have passed: when a later record of either stream moves time on. One that comes too late to wait does at once, and
   * so does one without a key. Such a result has the record's time. `KSTREAM-JOINTHIS` and `KSTREAM-OUTEROTHER`.
   *
   * @example
   * ```ts
   * import { joinWindows, string } from 'millrace'
   * import { TestDriver } from 'millrace/testing'
   *
   * const text = { key: string(), value: string() }
   * const driver = new TestDriver(builder => {
   *   const shown = builder.stream('shown', text)
   *   const clicked = builder.stream('clicked', text)
   *   const within = joinWindows({ seconds: 10 }, { before: 0 })
   *   shown.leftJoin(clicked, (ad, spot) => `${ad}: ${spot}`, within).to('seen', text)
   * })
   * driver.inputTopic('shown', text).pipe('ann', 'shoes', { timestamp: 1_000 })
   * driver.inputTopic('clicked', text).pipe('bob', 'top', { timestamp: 4_000 })
   * driver.outputTopic('seen', text).readAll() // → []
   * driver.inputTopic('clicked', text).pipe('ann', 'left', { timestamp: 12_000 })
   * driver.outputTopic('seen', text).readAll() // → [
   * //   { key: 'ann', value: 'shoes: null', timestamp: 1_000, … }
   * // ]
   * ```
   */
  leftJoin<KO, VO, V2>(
    other: KStream<KO, VO> & SameStreamKey<K, KO>,
    joiner: (value: V, other: VO | null, key: K) => V2,
    windows: JoinWindows,
    options?: StreamJoined<K, V, VO>,
  ): KStream<K, V2>

  /**
   * As `leftJoin` with a stream, but records of both give results without a partner. `KSTREAM-OUTERTHIS` and
   * `KSTREAM-OUTEROTHER`.
   *
   * @example
   * ```ts
   * import { joinWindows, string } from 'millrace'
   * import { TestDriver } from 'millrace/testing'
   *
   * const text = { key: string(), value: string() }
   * const driver = new TestDriver(builder => {
   *   const sent = builder.stream('sent', text)
   *   const received = builder.stream('received', text)
   *   const both = sent.outerJoin(received, (a, b) => `${a}, ${b}`, joinWindows({ minutes: 1 }))
   *   both.to('compared', text)
   * })
   * driver.inputTopic('sent', text).pipe('parcel', 'sent', { timestamp: 0 })
   * driver.inputTopic('received', text).pipe('letter', 'received', { timestamp: 100 })
   * driver.inputTopic('sent', text).pipe('card', 'sent', { timestamp: 120_000 })
   * driver.outputTopic('compared', text).readAll() // → [
   * //   { key: 'parcel', value: 'sent, null', timestamp: 0, … },
   * //   { key: 'letter', value: 'null, received', timestamp: 100, … }
   * // ]
   * ```
   */
  outerJoin<KO, VO, V2>(
    other: KStream<KO, VO> & SameStreamKey<K, KO>,
    joiner: (value: V | null, other: VO | null, key: K) => V2,
    windows: JoinWindows,
    options?: StreamJoined<K, V, VO>,
  ): KStream<K, V2>

  /**
   * Writes the stream to a topic. Serdes are needed where none is known: after an operator that makes new keys or
   * values. Building throws INVALID_TOPOLOGY when one is missing. `KSTREAM-SINK`.
   *
   * A function in place of the topic chooses one for each record; topics that do not exist are created with the broker's
   * defaults. A `partitioner` may name several partitions: each gets a copy.
   *
   * @example
   * ```ts
   * import { integer, string } from 'millrace'
   * import { TestDriver } from 'millrace/testing'
   *
   * const text = { key: string(), value: string() }
   * const counts = { key: integer(), value: integer() }
   * const driver = new TestDriver(builder => {
   *   const lengths = builder.stream('words', text).map((id, word) => [id.length, word.length])
   *   lengths.to('lengths', counts)
   * })
   * driver.inputTopic('words', text).pipe('a', 'yes')
   * driver.outputTopic('lengths', counts).readAll() // → [{ key: 1, value: 3, … }]
   *
   * const routed = new TestDriver(builder => {
   *   builder.stream('words', text).to((_, word) => (word.length > 2 ? 'long' : 'short'))
   * })
   * routed.inputTopic('words', text).pipe('a', 'no')
   * routed.producedTopics // → ['short']
   * ```
   */
  to(
    topic: string | ((key: K, value: V, context: RecordContext) => string),
    options?: Produced<K, V>,
  ): void
}
