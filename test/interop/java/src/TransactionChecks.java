import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AbortTransactionSpec;
import org.apache.kafka.clients.admin.ProducerState;
import org.apache.kafka.clients.admin.TransactionDescription;
import org.apache.kafka.clients.admin.TransactionState;
import org.apache.kafka.clients.consumer.CommitFailedException;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerGroupMetadata;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.InvalidTxnStateException;
import org.apache.kafka.common.errors.ProducerFencedException;
import org.apache.kafka.common.errors.RecordTooLargeException;

/** Transactions that commit, abort, are fenced, time out, and carry offsets. */
public final class TransactionChecks {
  private TransactionChecks() {}

  private static void send(Producer<String, String> producer, String topic, String... values) {
    for (String value : values) {
      producer.send(new ProducerRecord<>(topic, 0, null, value));
      producer.send(new ProducerRecord<>(topic, 1, null, value));
    }
  }

  /** Ends a transaction that the broker has ended already. */
  private static Exception commitFails(Producer<String, String> producer) throws Exception {
    KafkaException failure =
        Expect.failure(
            KafkaException.class,
            () -> {
              producer.commitTransaction();
              return "a commit";
            });
    return failure.getCause() instanceof ProducerFencedException cause ? cause : failure;
  }

  public static void committedAndAbortedTransactionsOfSeveralPartitions(String bootstrap) throws Exception {
    Clients clients = new Clients(bootstrap);
    String topic = clients.topic(2);
    try (Producer<String, String> producer = clients.transactional(Clients.name("id"), Map.of())) {
      producer.beginTransaction();
      send(producer, topic, "a", "b");
      producer.commitTransaction();
      producer.beginTransaction();
      send(producer, topic, "lost");
      producer.flush();
      producer.abortTransaction();
      producer.beginTransaction();
      producer.commitTransaction();
      producer.beginTransaction();
      send(producer, topic, "c");
      producer.commitTransaction();
    }
    for (int partition : List.of(0, 1)) {
      Expect.equal(List.of("a", "b", "c"), clients.values(topic, partition));
      Expect.equal(List.of("a", "b", "lost", "c"), clients.values(topic, partition, "read_uncommitted"));
    }
  }

  public static void readersOfCommittedRecordsWaitForAnOpenTransaction(String bootstrap) throws Exception {
    Clients clients = new Clients(bootstrap);
    String topic = clients.topic(2);
    try (Producer<String, String> open = clients.transactional(Clients.name("id"), Map.of());
        Producer<String, String> other = clients.transactional(Clients.name("id"), Map.of());
        Producer<String, String> plain = clients.producer(Map.of())) {
      send(plain, topic, "before");
      plain.flush();
      open.beginTransaction();
      send(open, topic, "open");
      open.flush();
      send(plain, topic, "after");
      plain.flush();
      other.beginTransaction();
      send(other, topic, "other");
      other.commitTransaction();
      Expect.equal(List.of("before"), clients.values(topic, 0));
      Expect.equal(List.of("before", "open", "after", "other"), clients.values(topic, 0, "read_uncommitted"));
      open.commitTransaction();
      Expect.equal(List.of("before", "open", "after", "other"), clients.values(topic, 0));
    }
  }

  public static void manyInterleavedTransactions(String bootstrap) throws Exception {
    Clients clients = new Clients(bootstrap);
    String topic = clients.topic(2);
    List<Producer<String, String>> producers = new ArrayList<>();
    for (int i = 0; i < 3; i++) producers.add(clients.transactional(Clients.name("id"), Map.of("linger.ms", 0)));
    List<String> committed = new ArrayList<>();
    for (int round = 0; round < 30; round++) {
      for (Producer<String, String> producer : producers) producer.beginTransaction();
      for (int i = 0; i < producers.size(); i++) {
        String value = round + "/" + i;
        send(producers.get(i), topic, value);
        producers.get(i).flush();
        if ((round + i) % 2 == 0) committed.add(value);
      }
      for (int i = producers.size() - 1; i >= 0; i--) {
        if ((round + i) % 2 == 0) producers.get(i).commitTransaction();
        else producers.get(i).abortTransaction();
      }
    }
    producers.forEach(Producer::close);
    Expect.equal(committed, clients.values(topic, 0));
    Expect.equal(committed, clients.values(topic, 1));
  }

  public static void aSecondProducerOfTheSameIdFencesTheFirst(String bootstrap) throws Exception {
    Clients clients = new Clients(bootstrap);
    String topic = clients.topic(2);
    String id = Clients.name("id");
    try (Producer<String, String> first = clients.transactional(id, Map.of())) {
      first.beginTransaction();
      send(first, topic, "lost");
      first.flush();
      try (Producer<String, String> second = clients.transactional(id, Map.of())) {
        second.beginTransaction();
        send(second, topic, "kept");
        Exception failure = commitFails(first);
        Expect.that(failure instanceof ProducerFencedException, "fenced: " + failure);
        second.commitTransaction();
      }
    }
    Expect.equal(List.of("kept"), clients.values(topic, 0));
  }

  public static void aTransactionThatTakesTooLongIsAborted(String bootstrap) throws Exception {
    Clients clients = new Clients(bootstrap);
    String topic = clients.topic(2);
    String id = Clients.name("id");
    try (Producer<String, String> slow = clients.transactional(id, Map.of("transaction.timeout.ms", 1000));
        Producer<String, String> plain = clients.producer(Map.of())) {
      slow.beginTransaction();
      send(slow, topic, "lost");
      slow.flush();
      send(plain, topic, "plain");
      plain.flush();
      Expect.equal(List.of(), clients.values(topic, 0));
      Expect.soon("the transaction is aborted", () -> clients.values(topic, 0).equals(List.of("plain")));
      commitFails(slow);
    }
    try (Producer<String, String> next = clients.transactional(id, Map.of())) {
      next.beginTransaction();
      send(next, topic, "next");
      next.commitTransaction();
    }
    Expect.equal(List.of("plain", "next"), clients.values(topic, 0));
    Expect.equal(List.of("plain", "next"), clients.values(topic, 1));
  }

  public static void aProducerGoesOnAfterAnErrorThatAborts(String bootstrap) throws Exception {
    Clients clients = new Clients(bootstrap);
    String topic = clients.topic(2, Map.of("max.message.bytes", "2000"));
    try (Producer<String, String> producer = clients.transactional(Clients.name("id"), Map.of())) {
      producer.beginTransaction();
      send(producer, topic, "lost");
      // The client would halve a batch that is too large, but never below batch.size: the large record goes alone.
      producer.flush();
      Expect.failure(
          RecordTooLargeException.class,
          () -> producer.send(new ProducerRecord<>(topic, 0, null, "x".repeat(5000))).get());
      commitFails(producer);
      producer.abortTransaction();
      producer.beginTransaction();
      send(producer, topic, "kept");
      producer.commitTransaction();
    }
    Expect.equal(List.of("kept"), clients.values(topic, 0));
    Expect.equal(List.of("kept"), clients.values(topic, 1));
  }

  public static void offsetsAreCommittedWithTheTransactionOrNotAtAll(String bootstrap) throws Exception {
    Clients clients = new Clients(bootstrap);
    String input = clients.topic(2);
    String output = clients.topic(2);
    TopicPartition where = new TopicPartition(input, 0);
    List<String> values = IntStream.range(0, 100).mapToObj(String::valueOf).toList();
    try (Producer<String, String> producer = clients.producer(Map.of())) {
      values.forEach(value -> send(producer, input, value));
    }
    String group = Clients.name("group");
    int attempts = 0;
    try (Producer<String, String> producer = clients.transactional(Clients.name("id"), Map.of())) {
      for (long done = 0; done < values.size(); attempts++) {
        // A new consumer every time, as after a crash: it goes on from what is committed.
        try (Consumer<String, String> consumer =
            clients.consumer(Map.of("group.id", group, "max.poll.records", 20, "isolation.level", "read_committed"))) {
          consumer.subscribe(List.of(input));
          List<ConsumerRecord<String, String>> records = new ArrayList<>();
          while (records.isEmpty()) {
            consumer.poll(Duration.ofMillis(100)).records(where).forEach(records::add);
          }
          Expect.equal(done, records.get(0).offset());
          producer.beginTransaction();
          for (ConsumerRecord<String, String> record : records) send(producer, output, record.value());
          long next = done + records.size();
          producer.sendOffsetsToTransaction(Map.of(where, new OffsetAndMetadata(next)), consumer.groupMetadata());
          if (attempts % 2 == 0) {
            producer.abortTransaction();
          } else {
            producer.commitTransaction();
            done = next;
          }
          OffsetAndMetadata committed = consumer.committed(Set.of(where)).get(where);
          Expect.equal(done, committed == null ? 0 : committed.offset());
        }
      }
    }
    Expect.equal(values, clients.values(output, 0));
    Expect.equal(values, clients.values(output, 1));
  }

  public static void offsetsOfAMemberThatIsNoneAreRefused(String bootstrap) throws Exception {
    Clients clients = new Clients(bootstrap);
    String topic = clients.topic(2);
    String group = Clients.name("group");
    Map<TopicPartition, OffsetAndMetadata> offsets = Map.of(new TopicPartition(topic, 0), new OffsetAndMetadata(1));
    try (Member member = new Member(clients, group, topic, Map.of());
        Producer<String, String> producer = clients.transactional(Clients.name("id"), Map.of())) {
      Expect.soon("there is a member", () -> member.assigned.size() == 2);
      producer.beginTransaction();
      Expect.failure(
          CommitFailedException.class,
          () -> {
            producer.sendOffsetsToTransaction(offsets, new Stale(group));
            producer.commitTransaction();
            return "a commit";
          });
      producer.abortTransaction();
    }
  }

  /** The group as a member knew it that is no longer in it. */
  @SuppressWarnings({"deprecation", "removal"})
  private static final class Stale extends ConsumerGroupMetadata {
    Stale(String group) {
      super(group, 1, "gone", Optional.empty());
    }
  }

  public static void administratorsSeeEndAndFenceTransactions(String bootstrap) throws Exception {
    Clients clients = new Clients(bootstrap);
    String topic = clients.topic(2);
    TopicPartition where = new TopicPartition(topic, 0);
    String id = Clients.name("id");
    try (Admin admin = clients.admin();
        Producer<String, String> producer = clients.transactional(id, Map.of())) {
      producer.beginTransaction();
      send(producer, topic, "open");
      producer.flush();
      Expect.that(
          admin.listTransactions().all().get().stream()
              .anyMatch(listed -> listed.transactionalId().equals(id) && listed.state() == TransactionState.ONGOING),
          "the transaction is listed");
      TransactionDescription description = admin.describeTransactions(List.of(id)).description(id).get();
      Expect.equal(Set.of(where, new TopicPartition(topic, 1)), description.topicPartitions());
      ProducerState state = admin.describeProducers(List.of(where)).partitionResult(where).get().activeProducers().get(0);
      Expect.equal(description.producerId(), state.producerId());
      Expect.equal(0L, state.currentTransactionStartOffset().getAsLong());
      AbortTransactionSpec abort =
          new AbortTransactionSpec(
              where, state.producerId(), (short) state.producerEpoch(), state.coordinatorEpoch().orElse(0));
      // It is for transactions that nobody can end; one that somebody has open would be aborted in one partition only.
      Expect.failure(InvalidTxnStateException.class, () -> admin.abortTransaction(abort).all().get());
      Expect.equal(List.of("open"), clients.values(topic, 0, "read_uncommitted"));
      admin.fenceProducers(List.of(id)).all().get();
      Exception failure = commitFails(producer);
      Expect.that(failure instanceof ProducerFencedException, "fenced: " + failure);
      Expect.equal(List.of(), clients.values(topic, 0));
      Expect.equal(TransactionState.EMPTY, admin.describeTransactions(List.of(id)).description(id).get().state());
    }
  }
}
