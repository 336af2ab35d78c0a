package oracle;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Function;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.ValueTransformerWithKey;
import org.apache.kafka.streams.kstream.ValueTransformerWithKeySupplier;
import org.apache.kafka.streams.kstream.Windowed;
import org.apache.kafka.streams.kstream.WindowedSerdes;
import org.apache.kafka.streams.processor.api.FixedKeyProcessor;
import org.apache.kafka.streams.processor.api.FixedKeyProcessorContext;
import org.apache.kafka.streams.processor.api.FixedKeyProcessorSupplier;
import org.apache.kafka.streams.processor.api.FixedKeyRecord;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.ProcessorSupplier;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.SessionStore;
import org.apache.kafka.streams.state.WindowStore;

/** The names that topologies of scenarios use without saying where they come from. */
public final class ShortNames {
  public static final Serde<String> STRING = Serdes.String();
  public static final Serde<Long> LONG = Serdes.Long();
  public static final Serde<Integer> INTEGER = Serdes.Integer();
  public static final Serde<Double> DOUBLE = Serdes.Double();

  /** A transformer that returns its value. */
  public static final ValueTransformerWithKeySupplier<String, String, String> SAME =
      () -> new ValueTransformerWithKey<>() {
        @Override
        public void init(org.apache.kafka.streams.processor.ProcessorContext context) {}

        @Override
        public String transform(String key, String value) {
          return value;
        }

        @Override
        public void close() {}
      };

  /** What `log` was called with. */
  static final List<String> lines = new ArrayList<>();

  public static void log(String line) {
    lines.add(String.valueOf(line));
  }

  public static Duration ms(long n) {
    return Duration.ofMillis(n);
  }

  public static <V> Materialized<String, V, KeyValueStore<Bytes, byte[]>> kv(String name, Serde<V> value) {
    return Materialized.<String, V, KeyValueStore<Bytes, byte[]>>as(name).withKeySerde(STRING).withValueSerde(value);
  }

  public static <V> Materialized<String, V, WindowStore<Bytes, byte[]>> window(String name, Serde<V> value) {
    return Materialized.<String, V, WindowStore<Bytes, byte[]>>as(name).withKeySerde(STRING).withValueSerde(value);
  }

  public static <V> Materialized<String, V, SessionStore<Bytes, byte[]>> session(String name, Serde<V> value) {
    return Materialized.<String, V, SessionStore<Bytes, byte[]>>as(name).withKeySerde(STRING).withValueSerde(value);
  }

  public static Serde<Windowed<String>> timeWindowed(long sizeMs) {
    return WindowedSerdes.timeWindowedSerdeFrom(String.class, sizeMs);
  }

  public static Serde<Windowed<String>> sessionWindowed() {
    return WindowedSerdes.sessionWindowedSerdeFrom(String.class);
  }

  /** The outer function runs in init, the inner one for each record. */
  public static ProcessorSupplier<String, String, String, String> processor(
      Function<ProcessorContext<String, String>, Consumer<Record<String, String>>> init) {
    return () -> new Processor<>() {
      private Consumer<Record<String, String>> process;

      @Override
      public void init(ProcessorContext<String, String> context) {
        process = init.apply(context);
      }

      @Override
      public void process(Record<String, String> record) {
        process.accept(record);
      }
    };
  }

  public static FixedKeyProcessorSupplier<String, String, String> valuesProcessor(
      Function<FixedKeyProcessorContext<String, String>, Consumer<FixedKeyRecord<String, String>>> init) {
    return () -> new FixedKeyProcessor<>() {
      private Consumer<FixedKeyRecord<String, String>> process;

      @Override
      public void init(FixedKeyProcessorContext<String, String> context) {
        process = init.apply(context);
      }

      @Override
      public void process(FixedKeyRecord<String, String> record) {
        process.accept(record);
      }
    };
  }

  /** Holds records back until one with the value "flush" comes, which makes it forward them all within that one call. */
  public static FixedKeyProcessorSupplier<String, String, String> batcher() {
    return valuesProcessor(context -> {
      List<FixedKeyRecord<String, String>> held = new ArrayList<>();
      return record -> {
        if (!"flush".equals(record.value())) {
          held.add(record);
          return;
        }
        List<FixedKeyRecord<String, String>> batch = List.copyOf(held);
        held.clear();
        batch.forEach(context::forward);
      };
    });
  }

  public static String tail(String text, int n) {
    return text.substring(Math.max(0, text.length() - n));
  }

  /** Rows as "key=value key=value". */
  public static <K, V> String text(KeyValueIterator<K, V> iterator) {
    List<String> rows = new ArrayList<>();
    try (iterator) {
      iterator.forEachRemaining(row -> rows.add(row.key + "=" + row.value));
    }
    return String.join(" ", rows);
  }

  /** A string serde that fails when it reads text beginning with "bad" or writes text beginning with "unsendable". */
  public static Serde<String> fussy() {
    return Serdes.serdeFrom(
        (topic, value) -> {
          if (value != null && value.startsWith("unsendable")) throw new IllegalArgumentException("cannot write " + value);
          return STRING.serializer().serialize(topic, value);
        },
        (topic, bytes) -> {
          String value = STRING.deserializer().deserialize(topic, bytes);
          if (value != null && value.startsWith("bad")) throw new IllegalArgumentException("cannot read " + value);
          return value;
        });
  }

  /** A processor that notes its life. */
  public static ProcessorSupplier<String, String, String, String> lifeCycle(String name) {
    return () -> new Processor<>() {
      private ProcessorContext<String, String> context;

      @Override
      public void init(ProcessorContext<String, String> context) {
        this.context = context;
        log("init " + name);
      }

      @Override
      public void process(Record<String, String> record) {
        log("process in " + name);
        context.forward(record);
      }

      @Override
      public void close() {
        log("close " + name);
      }
    };
  }

  private ShortNames() {}
}
