import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** Clients of one broker with short waits, and names that nobody else uses. */
record Clients(String bootstrap) {
  private static final AtomicInteger NAMES = new AtomicInteger();

  private Map<String, Object> settings(Map<String, Object> own) {
    Map<String, Object> settings = new HashMap<>();
    settings.put("bootstrap.servers", bootstrap);
    settings.put("retry.backoff.ms", 20);
    settings.put("reconnect.backoff.ms", 20);
    settings.putAll(own);
    return settings;
  }

  Admin admin() {
    return Admin.create(settings(Map.of()));
  }

  Producer<String, String> producer(Map<String, Object> own) {
    return new KafkaProducer<>(settings(own), new StringSerializer(), new StringSerializer());
  }

  Producer<String, String> transactional(String id, Map<String, Object> own) {
    Map<String, Object> settings = new HashMap<>(Map.of("transactional.id", id));
    settings.putAll(own);
    Producer<String, String> producer = producer(settings);
    producer.initTransactions();
    return producer;
  }

  Consumer<String, String> consumer(Map<String, Object> own) {
    Map<String, Object> settings =
        new HashMap<>(Map.of("auto.offset.reset", "earliest", "enable.auto.commit", false));
    settings.put("fetch.max.wait.ms", 50);
    settings.putAll(own);
    return new KafkaConsumer<>(settings(settings), new StringDeserializer(), new StringDeserializer());
  }

  static String name(String prefix) {
    return prefix + "-" + ProcessHandle.current().pid() + "-" + NAMES.incrementAndGet();
  }

  /** Creates a topic under a new name. */
  String topic(int partitions, Map<String, String> configs) throws Exception {
    String topic = name("topic");
    try (Admin admin = admin()) {
      NewTopic made = new NewTopic(topic, Optional.of(partitions), Optional.empty()).configs(configs);
      admin.createTopics(List.of(made)).all().get();
    }
    return topic;
  }

  String topic(int partitions) throws Exception {
    return topic(partitions, Map.of());
  }

  /** Everything in a partition up to its end as the isolation level sees it. */
  List<ConsumerRecord<String, String>> read(String topic, int partition, String isolation) {
    TopicPartition where = new TopicPartition(topic, partition);
    List<ConsumerRecord<String, String>> records = new ArrayList<>();
    try (Consumer<String, String> consumer = consumer(Map.of("isolation.level", isolation))) {
      consumer.assign(List.of(where));
      long end = consumer.endOffsets(List.of(where)).get(where);
      while (consumer.position(where) < end) {
        consumer.poll(Duration.ofMillis(100)).forEach(records::add);
      }
    }
    return records;
  }

  List<String> values(String topic, int partition, String isolation) {
    return read(topic, partition, isolation).stream().map(ConsumerRecord::value).toList();
  }

  List<String> values(String topic, int partition) {
    return values(topic, partition, "read_committed");
  }
}
