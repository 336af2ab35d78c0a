import java.util.Arrays;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.Produced;

/**
 * Counts words exactly once, with a repartition topic and without a cache: each word that comes in makes one record. It ends
 * when it is killed. Arguments: bootstrap, state folder, input topic, output topic.
 */
public final class WordCount {
  private WordCount() {}

  public static void main(String[] args) throws InterruptedException {
    StreamsBuilder builder = new StreamsBuilder();
    KStream<String, String> lines = builder.stream(args[2]);
    lines
        .flatMapValues(line -> Arrays.asList(line.split(" ")))
        .groupBy((key, word) -> word, Grouped.as("words"))
        .count()
        .toStream()
        .to(args[3], Produced.with(Serdes.String(), Serdes.Long()));

    Properties settings = new Properties();
    settings.put("bootstrap.servers", args[0]);
    settings.put("application.id", "word-count");
    settings.put("state.dir", args[1]);
    settings.put("processing.guarantee", "exactly_once_v2");
    settings.put("default.key.serde", Serdes.StringSerde.class);
    settings.put("default.value.serde", Serdes.StringSerde.class);
    settings.put("statestore.cache.max.bytes", 0);
    settings.put("commit.interval.ms", 50);
    settings.put("main.consumer.auto.offset.reset", "earliest");
    settings.put("consumer.session.timeout.ms", 1500);
    settings.put("consumer.heartbeat.interval.ms", 300);
    KafkaStreams streams = new KafkaStreams(builder.build(), settings);
    streams.start();
    new CountDownLatch(1).await();
  }
}
