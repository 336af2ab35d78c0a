import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ExecutionException;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.FencedInstanceIdException;

/** Groups whose members come, go and come back. */
public final class GroupChecks {
  private static final int PARTITIONS = 4;

  private GroupChecks() {}

  private static void produce(Clients clients, String topic, int from, int to) throws ExecutionException, InterruptedException {
    try (Producer<String, String> producer = clients.producer(Map.of())) {
      for (int i = from; i < to; i++) producer.send(new ProducerRecord<>(topic, i % PARTITIONS, null, "value " + i));
      producer.flush();
    }
  }

  private static Set<String> expected(int to) {
    return IntStream.range(0, to).mapToObj(i -> "value " + i).collect(Collectors.toCollection(TreeSet::new));
  }

  private static Set<String> read(Member... members) {
    Set<String> values = new TreeSet<>();
    for (Member member : members) values.addAll(member.values);
    return values;
  }

  private static boolean share(Member first, Member second) {
    Set<TopicPartition> all = new HashSet<>(first.partitions());
    all.addAll(second.partitions());
    return all.size() == PARTITIONS && first.assigned.size() == 2 && second.assigned.size() == 2;
  }

  /** One member, then two, then the second alone: all is read, all is committed. */
  private static Set<TopicPartition> comeAndGo(Clients clients, String assignor) throws Exception {
    String topic = clients.topic(PARTITIONS);
    String group = Clients.name("group");
    Map<String, Object> settings =
        Map.of("partition.assignment.strategy", "org.apache.kafka.clients.consumer." + assignor);
    Set<TopicPartition> revoked;
    produce(clients, topic, 0, 200);
    try (Member first = new Member(clients, group, topic, settings)) {
      Expect.soon("one member has all", () -> first.assigned.size() == PARTITIONS);
      Expect.soon("one member has read all", () -> first.values.size() == 200);
      try (Member second = new Member(clients, group, topic, settings)) {
        Expect.soon("two members share", () -> share(first, second));
        revoked = new HashSet<>(first.revoked);
        produce(clients, topic, 200, 400);
        Expect.soon("both have read all", () -> read(first, second).equals(expected(400)));
        first.close();
        Expect.soon("the other has all", () -> second.assigned.size() == PARTITIONS);
        produce(clients, topic, 400, 600);
        Expect.soon("the last has read all", () -> read(first, second).equals(expected(600)));
        Expect.equal(null, second.failure);
      }
      Expect.equal(null, first.failure);
    }
    try (Consumer<String, String> consumer = clients.consumer(Map.of("group.id", group))) {
      Set<TopicPartition> all =
          IntStream.range(0, PARTITIONS).mapToObj(i -> new TopicPartition(topic, i)).collect(Collectors.toSet());
      Map<TopicPartition, OffsetAndMetadata> committed = consumer.committed(all);
      for (TopicPartition partition : all) Expect.equal(150L, committed.get(partition).offset());
    }
    return revoked;
  }

  public static void eagerMembersComeAndGo(String bootstrap) throws Exception {
    Expect.equal(PARTITIONS, comeAndGo(new Clients(bootstrap), "RangeAssignor").size());
  }

  public static void cooperativeMembersKeepWhatTheyHave(String bootstrap) throws Exception {
    Expect.equal(2, comeAndGo(new Clients(bootstrap), "CooperativeStickyAssignor").size());
  }

  public static void staticMembersComeBackWithoutARebalance(String bootstrap) throws Exception {
    Clients clients = new Clients(bootstrap);
    String topic = clients.topic(PARTITIONS);
    String group = Clients.name("group");
    try (Member first = new Member(clients, group, topic, Map.of("group.instance.id", "first"))) {
      Set<TopicPartition> had;
      try (Member second = new Member(clients, group, topic, Map.of("group.instance.id", "second"))) {
        Expect.soon("two members share", () -> share(first, second));
        had = second.partitions();
      }
      int assignments = first.assignments;
      try (Member second = new Member(clients, group, topic, Map.of("group.instance.id", "second"))) {
        Expect.soon("it has what it had", () -> second.partitions().equals(had));
        produce(clients, topic, 0, 200);
        Expect.soon("both have read all", () -> read(first, second).equals(expected(200)));
        Expect.equal(assignments, first.assignments);
        try (Member third = new Member(clients, group, topic, Map.of("group.instance.id", "second"))) {
          Expect.soon("it has taken the place of the other", () -> third.partitions().equals(had));
          Expect.soon("the other is fenced", () -> second.failure != null);
          Expect.that(second.failure instanceof FencedInstanceIdException, "fenced: " + second.failure);
        }
      }
    }
  }

  public static void aSilentMemberLosesItsPartitions(String bootstrap) throws Exception {
    Clients clients = new Clients(bootstrap);
    String topic = clients.topic(PARTITIONS);
    Map<String, Object> group =
        Map.of("group.id", Clients.name("group"), "max.poll.interval.ms", 2000, "session.timeout.ms", 1500, "heartbeat.interval.ms", 300);
    try (Consumer<String, String> silent = clients.consumer(group)) {
      silent.subscribe(List.of(topic));
      while (silent.assignment().isEmpty()) silent.poll(Duration.ofMillis(100));
      try (Member other = new Member(clients, (String) group.get("group.id"), topic, Map.of())) {
        Expect.soon("the other has all", () -> other.assigned.size() == PARTITIONS);
      }
    }
  }
}
