import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.NoOffsetForPartitionException;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.consumer.OffsetAndTimestamp;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;

/** What consumers that choose their own partitions must be able to do. */
public final class ConsumeChecks {
  private ConsumeChecks() {}

  /** Ten records with the timestamps 1000, 2000, ... 10000. */
  private static TopicPartition tenRecords(Clients clients) throws Exception {
    String topic = clients.topic(1);
    try (Producer<String, String> producer = clients.producer(Map.of())) {
      for (int i = 1; i <= 10; i++) {
        producer.send(new ProducerRecord<>(topic, 0, i * 1000L, "key", String.valueOf(i))).get();
      }
    }
    return new TopicPartition(topic, 0);
  }

  private static String next(Consumer<String, String> consumer) {
    for (; ; ) {
      for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofMillis(100))) return record.value();
    }
  }

  public static void positionsAreSoughtByOffsetTimeAndEnd(String bootstrap) throws Exception {
    Clients clients = new Clients(bootstrap);
    TopicPartition where = tenRecords(clients);
    try (Consumer<String, String> consumer = clients.consumer(Map.of())) {
      consumer.assign(List.of(where));
      Expect.equal(Map.of(where, 0L), consumer.beginningOffsets(List.of(where)));
      Expect.equal(Map.of(where, 10L), consumer.endOffsets(List.of(where)));
      consumer.seek(where, 4);
      Expect.equal("5", next(consumer));
      OffsetAndTimestamp found = consumer.offsetsForTimes(Map.of(where, 6500L)).get(where);
      Expect.equal("6 7000", found.offset() + " " + found.timestamp());
      Expect.equal(null, consumer.offsetsForTimes(Map.of(where, 10_001L)).get(where));
      consumer.seekToBeginning(List.of(where));
      Expect.equal("1", next(consumer));
      consumer.seekToEnd(List.of(where));
      Expect.equal(10L, consumer.position(where));
    }
  }

  public static void aPositionOutOfRangeIsResetAsTheConsumerWants(String bootstrap) throws Exception {
    Clients clients = new Clients(bootstrap);
    TopicPartition where = tenRecords(clients);
    try (Consumer<String, String> consumer = clients.consumer(Map.of())) {
      consumer.assign(List.of(where));
      consumer.seek(where, 500);
      Expect.equal("1", next(consumer));
    }
    try (Consumer<String, String> consumer =
        clients.consumer(Map.of("auto.offset.reset", "none", "group.id", Clients.name("group")))) {
      consumer.assign(List.of(where));
      Expect.failure(NoOffsetForPartitionException.class, () -> consumer.poll(Duration.ofSeconds(60)));
    }
  }

  public static void pausedPartitionsWaitAndSmallFetchesGoOn(String bootstrap) throws Exception {
    Clients clients = new Clients(bootstrap);
    TopicPartition first = tenRecords(clients);
    TopicPartition second = tenRecords(clients);
    Map<String, Object> tiny = Map.of("max.partition.fetch.bytes", 1, "fetch.max.bytes", 1, "max.poll.records", 3);
    try (Consumer<String, String> consumer = clients.consumer(tiny)) {
      consumer.assign(List.of(first, second));
      consumer.pause(List.of(second));
      List<String> values = new ArrayList<>();
      while (values.size() < 10) {
        for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofMillis(100))) {
          Expect.equal(first.topic(), record.topic());
          values.add(record.value());
        }
      }
      Expect.equal(List.of("1", "2", "3", "4", "5", "6", "7", "8", "9", "10"), values);
      consumer.resume(List.of(second));
      Expect.equal("1", next(consumer));
    }
  }

  public static void committedOffsetsAndTheirMetadataComeBack(String bootstrap) throws Exception {
    Clients clients = new Clients(bootstrap);
    TopicPartition where = tenRecords(clients);
    Map<String, Object> group = Map.of("group.id", Clients.name("group"));
    try (Consumer<String, String> consumer = clients.consumer(group)) {
      consumer.assign(List.of(where));
      Expect.equal(0L, consumer.position(where));
      consumer.commitSync(Map.of(where, new OffsetAndMetadata(7, "seven")));
    }
    try (Consumer<String, String> consumer = clients.consumer(group)) {
      consumer.assign(List.of(where));
      OffsetAndMetadata committed = consumer.committed(Set.of(where)).get(where);
      Expect.equal("7 seven", committed.offset() + " " + committed.metadata());
      Expect.equal("8", next(consumer));
    }
  }
}
