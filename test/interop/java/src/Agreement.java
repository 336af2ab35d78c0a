import java.time.Duration;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.KGroupedStream;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.Repartitioned;
import org.apache.kafka.streams.kstream.SessionWindows;
import org.apache.kafka.streams.kstream.TimeWindows;
import org.apache.kafka.streams.kstream.Windowed;
import org.apache.kafka.streams.kstream.WindowedSerdes;

/**
 * Kafka Streams' half of wire-agreement.test.ts: what both write, and reading what the other wrote. It ends when it is killed.
 * Arguments: bootstrap, state folder.
 */
public final class Agreement {
  private static final Serde<String> TEXT = Serdes.String();
  private static final Duration MINUTE = Duration.ofMinutes(1);

  private Agreement() {}

  private static <K> void keys(StreamsBuilder builder, String type, Serde<K> key) {
    builder
        .stream("in-" + type, Consumed.with(key, TEXT))
        .repartition(Repartitioned.with(key, TEXT).withName(type).withNumberOfPartitions(5))
        .to("java-own-" + type, Produced.with(key, TEXT));
    builder
        .stream("millrace-" + type + "-repartition", Consumed.with(key, TEXT))
        .mapValues((each, value) -> each + "=" + value)
        .to("java-of-" + type, Produced.with(key, TEXT));
  }

  /** Keys in windows, written out. */
  private static void read(StreamsBuilder builder, String kind, Serde<Windowed<String>> serde) {
    builder
        .stream("millrace-" + kind, Consumed.with(serde, Serdes.Long()))
        .map((key, count) -> KeyValue.pair(written(key), String.valueOf(count)))
        .to("java-of-" + kind, Produced.with(TEXT, TEXT));
  }

  private static String written(Windowed<String> key) {
    return key.key() + " from " + key.window().start() + " to " + key.window().end();
  }

  public static void main(String[] args) throws InterruptedException {
    StreamsBuilder builder = new StreamsBuilder();
    keys(builder, "string", TEXT);
    keys(builder, "integer", Serdes.Integer());
    keys(builder, "long", Serdes.Long());

    Serde<Windowed<String>> time =
        WindowedSerdes.timeWindowedSerdeFrom(String.class, MINUTE.toMillis());
    Serde<Windowed<String>> session = WindowedSerdes.sessionWindowedSerdeFrom(String.class);
    KGroupedStream<String, String> words =
        builder.stream("in-windows", Consumed.with(TEXT, TEXT)).groupByKey();
    words
        .windowedBy(TimeWindows.ofSizeWithNoGrace(MINUTE))
        .count()
        .toStream()
        .to("java-time", Produced.with(time, Serdes.Long()));
    words
        .windowedBy(SessionWindows.ofInactivityGapWithNoGrace(MINUTE))
        .count()
        .toStream()
        .to("java-session", Produced.with(session, Serdes.Long()));
    read(builder, "time", time);
    read(builder, "session", session);

    Properties settings = new Properties();
    settings.put("bootstrap.servers", args[0]);
    settings.put("application.id", "java");
    settings.put("state.dir", args[1]);
    settings.put("processing.guarantee", "exactly_once_v2");
    settings.put("statestore.cache.max.bytes", 0);
    settings.put("main.consumer.auto.offset.reset", "earliest");
    new KafkaStreams(builder.build(), settings).start();
    new CountDownLatch(1).await();
  }
}
