import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.record.TimestampType;

/** What producers of the Java client must be able to do. */
public final class ProduceChecks {
  private ProduceChecks() {}

  public static void everyCodecWithEveryAcks(String bootstrap) throws Exception {
    Clients clients = new Clients(bootstrap);
    for (String codec : List.of("none", "gzip", "snappy", "lz4", "zstd")) {
      String topic = clients.topic(1);
      List<String> expected = new ArrayList<>();
      for (String acks : List.of("0", "1", "all")) {
        Map<String, Object> settings =
            Map.of("compression.type", codec, "acks", acks, "enable.idempotence", false, "linger.ms", 20);
        try (Producer<String, String> producer = clients.producer(settings)) {
          for (int i = 0; i < 100; i++) {
            String value = codec + " " + acks + " " + "x".repeat(i);
            expected.add(value);
            producer.send(new ProducerRecord<>(topic, value));
          }
        }
      }
      Expect.soon(codec + " is readable", () -> clients.values(topic, 0).size() >= expected.size());
      Expect.equal(expected, clients.values(topic, 0));
    }
  }

  public static void headersNullsAndTimestampsComeBack(String bootstrap) throws Exception {
    Clients clients = new Clients(bootstrap);
    String topic = clients.topic(2);
    try (Producer<String, String> producer = clients.producer(Map.of())) {
      ProducerRecord<String, String> full = new ProducerRecord<>(topic, 1, 1_234_567_890_123L, "key", "välue");
      full.headers().add("twice", new byte[] {1}).add("twice", new byte[] {}).add("null", null);
      producer.send(full);
      producer.send(new ProducerRecord<String, String>(topic, 1, 1L, null, null, List.of()));
      producer.send(new ProducerRecord<>(topic, 1, 2L, "", ""));
      producer.flush();
    }
    List<ConsumerRecord<String, String>> records = clients.read(topic, 1, "read_uncommitted");
    Expect.equal(3, records.size());
    ConsumerRecord<String, String> full = records.get(0);
    Expect.equal("key=välue", full.key() + "=" + full.value());
    Expect.equal(1_234_567_890_123L, full.timestamp());
    Expect.equal(TimestampType.CREATE_TIME, full.timestampType());
    List<String> headers = new ArrayList<>();
    for (Header header : full.headers()) headers.add(header.key() + Arrays.toString(header.value()));
    Expect.equal(List.of("twice[1]", "twice[]", "nullnull"), headers);
    Expect.equal(null, records.get(1).key());
    Expect.equal(null, records.get(1).value());
    Expect.equal("", records.get(2).key());
    Expect.equal("", records.get(2).value());
  }

  public static void bigRecordsAreTakenAndTooBigOnesRefused(String bootstrap) throws Exception {
    Clients clients = new Clients(bootstrap);
    String topic = clients.topic(1, Map.of("max.message.bytes", "6000000"));
    Map<String, Object> settings = Map.of("max.request.size", 20_000_000, "buffer.memory", 40_000_000L);
    String big = "b".repeat(5_000_000);
    try (Producer<String, String> producer = clients.producer(settings)) {
      producer.send(new ProducerRecord<>(topic, big)).get();
      Expect.failure(
          RecordTooLargeException.class,
          () -> producer.send(new ProducerRecord<>(topic, "b".repeat(7_000_000))).get());
      producer.send(new ProducerRecord<>(topic, "small")).get();
    }
    Expect.equal(List.of(big, "small"), clients.values(topic, 0));
  }

  public static void idempotentProducerWithFiveInFlightKeepsItsOrder(String bootstrap) throws Exception {
    Clients clients = new Clients(bootstrap);
    String topic = clients.topic(1);
    List<String> expected = IntStream.range(0, 5000).mapToObj(String::valueOf).toList();
    List<Future<RecordMetadata>> sent = new ArrayList<>();
    try (Producer<String, String> producer = clients.producer(Map.of("batch.size", 200, "linger.ms", 0))) {
      for (String value : expected) sent.add(producer.send(new ProducerRecord<>(topic, value)));
      producer.flush();
    }
    for (int i = 0; i < expected.size(); i++) Expect.equal((long) i, sent.get(i).get().offset());
    Expect.equal(expected, clients.values(topic, 0));
  }

  public static void logAppendTimeIsTheTimeOfTheBroker(String bootstrap) throws Exception {
    Clients clients = new Clients(bootstrap);
    String topic = clients.topic(1, Map.of("message.timestamp.type", "LogAppendTime"));
    long before = System.currentTimeMillis();
    try (Producer<String, String> producer = clients.producer(Map.of())) {
      RecordMetadata answer = producer.send(new ProducerRecord<>(topic, 0, 1L, "key", "value")).get();
      Expect.that(answer.timestamp() >= before, "the answer has the time of the append");
    }
    ConsumerRecord<String, String> record = clients.read(topic, 0, "read_uncommitted").get(0);
    Expect.equal(TimestampType.LOG_APPEND_TIME, record.timestampType());
    Expect.that(record.timestamp() >= before, "the record has the time of the append");
  }

  public static void topicsComeIntoBeingWhenAskedForUnlessTheyCannot(String bootstrap) throws Exception {
    Clients clients = new Clients(bootstrap);
    String topic = Clients.name("asked-for");
    try (Producer<String, String> producer = clients.producer(Map.of("max.block.ms", 2000))) {
      producer.send(new ProducerRecord<>(topic, "value")).get();
      Expect.equal(List.of("value"), clients.values(topic, 0));
      Expect.failure(
          TimeoutException.class, () -> producer.send(new ProducerRecord<>(topic, 17, "key", "value")).get());
    }
    try (Admin admin = clients.admin()) {
      Expect.failure(
          UnknownTopicOrPartitionException.class,
          () -> admin.describeTopics(List.of(Clients.name("never"))).allTopicNames().get());
    }
  }
}
