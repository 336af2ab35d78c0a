import { type FixedKeyRecord, type KeyValueStore, keyValueStore } from '../../../src/index.ts'
import { processor, strings } from '../topologies/shared.ts'
import { type Call, isPlainStream, javaNamed, maybeName, named, stream } from './program.ts'
import { pick } from './random-choice.ts'
import { nothing } from './stateless.ts'

interface WithName {
  readonly name?: string
}

/** Processors: of their own time, of a store, by the clock of their records. */
export const processors = {
  processLater: {
    on: [isPlainStream],
    draw: maybeName,
    gives: (_, [shape = nothing]) => shape,
    java: ({ name }, [on]) =>
      `${on}.process(processor(context -> record -> { context.forward(record); ` +
      'context.forward(record.withValue(tail(record.value() + context.currentStreamTimeMs(), 8)).withTimestamp(record.timestamp() + 7)); ' +
      `})${javaNamed(name)})`,
    build: ({ name }, [on]) =>
      stream(on).process(
        processor(context => record => {
          context.forward(record)
          context.forward({
            ...record,
            value: `${record.value}${context.currentStreamTimeMs}`.slice(-8),
            timestamp: record.timestamp + 7,
          })
        }),
        named(name),
      ),
  } satisfies Call<WithName>,

  /** Forwards what its store has of the key, and all rows by stream time. */
  processStore: {
    on: [isPlainStream],
    draw: draw => ({
      ...maybeName(draw),
      store: draw.fresh('store'),
      everyMs: pick([0, 20, 50], draw.random),
    }),
    gives: (_, [shape = nothing]) => shape,
    before: ({ store }) =>
      `b.addStateStore(Stores.keyValueStoreBuilder(Stores.persistentKeyValueStore("${store}"), STRING, STRING));`,
    java({ name, store, everyMs }, [on]) {
      const tick =
        `context.schedule(ms(${everyMs}), PunctuationType.STREAM_TIME, t -> { try (var all = rows.all()) { while (all.hasNext()) { ` +
        'var row = all.next(); context.forward(new Record<>(row.key, row.value + t, t)); rows.delete(row.key); } } }); '
      return (
        `${on}.process(processor(context -> { KeyValueStore<String, String> rows = context.getStateStore("${store}"); ` +
        (everyMs === 0 ? '' : tick) +
        'return record -> { if (record.key() == null) { return; } String before = rows.get(record.key()); ' +
        'rows.put(record.key(), tail(before + record.value(), 6)); context.forward(record.withValue(rows.get(record.key()))); }; ' +
        `})${javaNamed(name)}, "${store}")`
      )
    },
    build({ name, store, everyMs }, [on], _, b) {
      b.addStateStore(keyValueStore(store, strings))
      return stream(on).process(
        processor(context => {
          const rows = context.store<KeyValueStore<string, string>>(store)
          if (everyMs > 0) {
            context.schedule({ every: everyMs, type: 'streamTime' }, t => {
              for (const { key, value } of rows.rows()) {
                context.forward({ key, value: `${value}${t}`, timestamp: t, headers: [] })
                rows.delete(key)
              }
            })
          }
          return record => {
            // oxlint-disable-next-line typescript/no-unnecessary-condition
            if (record.key === null) return
            const before = rows.get(record.key) ?? null
            const value = `${before}${record.value}`.slice(-6)
            rows.put(record.key, value)
            context.forward({ ...record, value })
          }
        }),
        { ...named(name), stores: [store] },
      )
    },
  } satisfies Call<WithName & { store: string; everyMs: number }>,

  processValues: {
    on: [isPlainStream],
    draw: maybeName,
    gives: (_, [shape = nothing]) => shape,
    java: ({ name }, [on]) =>
      `${on}.processValues(valuesProcessor(context -> record -> { context.forward(record.withValue(tail(record.value() + "~", 8))); context.forward(record); })${javaNamed(name)})`,
    build: ({ name }, [on]) =>
      stream(on).processValues(
        context => ({
          process(record) {
            context.forward(record.withValue(`${record.value}~`.slice(-8)))
            context.forward(record)
          },
        }),
        named(name),
      ),
  } satisfies Call<WithName>,

  /** Holds records back, so that several go on with one commit, which shows what a cache does. */
  processBatches: {
    on: [isPlainStream],
    draw: draw => ({ ...maybeName(draw), size: pick([2, 3, 5], draw.random) }),
    gives: (_, [shape = nothing]) => shape,
    java: ({ name, size }, [on]) =>
      `${on}.processValues(valuesProcessor(context -> { var held = new java.util.ArrayList<org.apache.kafka.streams.processor.api.FixedKeyRecord<String, String>>(); ` +
      `return record -> { held.add(record); if (held.size() == ${size}) { held.forEach(context::forward); held.clear(); } }; })${javaNamed(name)})`,
    build: ({ name, size }, [on]) =>
      stream(on).processValues(context => {
        const held: FixedKeyRecord<string, string>[] = []
        return {
          process(record) {
            held.push(record)
            if (held.length === size) for (const each of held.splice(0)) context.forward(each)
          },
        }
      }, named(name)),
  } satisfies Call<WithName & { size: number }>,
}
