import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.ConsumerGroupDescription;
import org.apache.kafka.clients.admin.ConsumerGroupListing;
import org.apache.kafka.clients.admin.CreateTopicsOptions;
import org.apache.kafka.clients.admin.ListOffsetsResult.ListOffsetsResultInfo;
import org.apache.kafka.clients.admin.LogDirDescription;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.admin.RemoveMembersFromConsumerGroupOptions;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.ElectionType;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.TopicCollection;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.GroupIdNotFoundException;
import org.apache.kafka.common.errors.GroupNotEmptyException;
import org.apache.kafka.common.errors.InvalidConfigurationException;
import org.apache.kafka.common.errors.InvalidPartitionsException;
import org.apache.kafka.common.errors.InvalidReplicationFactorException;
import org.apache.kafka.common.errors.InvalidTopicException;
import org.apache.kafka.common.errors.OffsetOutOfRangeException;
import org.apache.kafka.common.errors.TopicExistsException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;

/** What administrators must be able to do. */
public final class AdminChecks {
  private AdminChecks() {}

  private static NewTopic topic(String name, int partitions) {
    return new NewTopic(name, Optional.of(partitions), Optional.empty());
  }

  private static Object create(Admin admin, NewTopic topic) throws Exception {
    return admin.createTopics(List.of(topic)).all().get();
  }

  private static TopicDescription describe(Admin admin, String topic) throws Exception {
    return admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic);
  }

  public static void topicsAreMadeGrownDeletedAndMadeAgain(String bootstrap) throws Exception {
    Clients clients = new Clients(bootstrap);
    String name = Clients.name("made");
    try (Admin admin = clients.admin()) {
      admin.createTopics(List.of(topic(name, 2)), new CreateTopicsOptions().validateOnly(true)).all().get();
      Expect.failure(UnknownTopicOrPartitionException.class, () -> describe(admin, name));
      create(admin, topic(name, 2));
      TopicDescription made = describe(admin, name);
      Expect.equal(2, made.partitions().size());
      Expect.equal(1, made.partitions().get(1).isr().size());
      Expect.equal(
          name,
          admin.describeTopics(TopicCollection.ofTopicIds(List.of(made.topicId()))).allTopicIds().get().get(made.topicId()).name());
      Expect.failure(TopicExistsException.class, () -> create(admin, topic(name, 2)));
      Expect.failure(InvalidTopicException.class, () -> create(admin, topic("no/topic", 1)));
      Expect.failure(InvalidPartitionsException.class, () -> create(admin, topic(Clients.name("none"), 0)));
      Expect.failure(
          InvalidReplicationFactorException.class,
          () -> create(admin, new NewTopic(Clients.name("three"), 1, (short) 3)));
      admin.createPartitions(Map.of(name, NewPartitions.increaseTo(5))).all().get();
      Expect.equal(5, describe(admin, name).partitions().size());
      Expect.failure(
          InvalidPartitionsException.class,
          () -> admin.createPartitions(Map.of(name, NewPartitions.increaseTo(3))).all().get());
      admin.deleteTopics(List.of(name)).all().get();
      Expect.that(!admin.listTopics().names().get().contains(name), "the topic is gone");
      create(admin, topic(name, 1));
      TopicDescription again = describe(admin, name);
      Expect.that(!again.topicId().equals(made.topicId()), "the topic is another one");
      Expect.equal(1, again.partitions().size());
      admin.deleteTopics(TopicCollection.ofTopicIds(List.of(again.topicId()))).all().get();
    }
  }

  public static void settingsAreShownChangedAndRefused(String bootstrap) throws Exception {
    Clients clients = new Clients(bootstrap);
    String topic = clients.topic(1, Map.of("retention.ms", "1000"));
    ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
    try (Admin admin = clients.admin()) {
      ConfigEntry made = config(admin, resource).get("retention.ms");
      Expect.equal("1000 DYNAMIC_TOPIC_CONFIG", made.value() + " " + made.source());
      alter(admin, resource, "retention.ms", "", AlterConfigOp.OpType.DELETE);
      ConfigEntry unset = config(admin, resource).get("retention.ms");
      Expect.equal("604800000 DEFAULT_CONFIG", unset.value() + " " + unset.source());
      alter(admin, resource, "cleanup.policy", "compact", AlterConfigOp.OpType.APPEND);
      Expect.equal("delete,compact", config(admin, resource).get("cleanup.policy").value());
      alter(admin, resource, "cleanup.policy", "delete", AlterConfigOp.OpType.SUBTRACT);
      Expect.equal("compact", config(admin, resource).get("cleanup.policy").value());
      Expect.failure(
          InvalidConfigurationException.class,
          () -> alter(admin, resource, "retention.ms", "soon", AlterConfigOp.OpType.SET));
      Expect.failure(
          InvalidConfigurationException.class,
          () -> create(admin, topic(Clients.name("bad"), 1).configs(Map.of("no.such.setting", "1"))));
      Node node = admin.describeCluster().controller().get();
      Config broker = config(admin, new ConfigResource(ConfigResource.Type.BROKER, node.idString()));
      Expect.equal("1", broker.get("num.partitions").value());
    }
  }

  private static Config config(Admin admin, ConfigResource resource) throws Exception {
    return admin.describeConfigs(List.of(resource)).all().get().get(resource);
  }

  private static Object alter(Admin admin, ConfigResource resource, String name, String value, AlterConfigOp.OpType type)
      throws Exception {
    AlterConfigOp change = new AlterConfigOp(new ConfigEntry(name, value), type);
    return admin.incrementalAlterConfigs(Map.of(resource, List.of(change))).all().get();
  }

  public static void recordsAreDeletedAndOffsetsListed(String bootstrap) throws Exception {
    Clients clients = new Clients(bootstrap);
    String topic = clients.topic(1);
    TopicPartition where = new TopicPartition(topic, 0);
    try (Admin admin = clients.admin();
        Producer<String, String> producer = clients.producer(Map.of())) {
      for (long time : List.of(100L, 500L, 300L)) {
        producer.send(new ProducerRecord<>(topic, 0, time, null, "at " + time)).get();
      }
      Expect.equal(0L, offset(admin, where, OffsetSpec.earliest()).offset());
      Expect.equal(3L, offset(admin, where, OffsetSpec.latest()).offset());
      Expect.equal(1L, offset(admin, where, OffsetSpec.forTimestamp(200)).offset());
      ListOffsetsResultInfo newest = offset(admin, where, OffsetSpec.maxTimestamp());
      Expect.equal("1 500", newest.offset() + " " + newest.timestamp());
      admin.deleteRecords(Map.of(where, RecordsToDelete.beforeOffset(2))).all().get();
      Expect.equal(2L, offset(admin, where, OffsetSpec.earliest()).offset());
      Expect.equal(List.of("at 300"), clients.values(topic, 0));
      Expect.failure(
          OffsetOutOfRangeException.class,
          () -> admin.deleteRecords(Map.of(where, RecordsToDelete.beforeOffset(4))).all().get());
    }
  }

  private static ListOffsetsResultInfo offset(Admin admin, TopicPartition where, OffsetSpec spec) throws Exception {
    return admin.listOffsets(Map.of(where, spec)).partitionResult(where).get();
  }

  public static void groupsAreListedDescribedMovedAndDeleted(String bootstrap) throws Exception {
    Clients clients = new Clients(bootstrap);
    String topic = clients.topic(2);
    String group = Clients.name("group");
    TopicPartition first = new TopicPartition(topic, 0);
    TopicPartition second = new TopicPartition(topic, 1);
    try (Admin admin = clients.admin()) {
      try (Member member = new Member(clients, group, topic, Map.of("client.id", "reader"))) {
        Expect.soon("there is a member", () -> member.assigned.size() == 2);
        ConsumerGroupDescription described = admin.describeConsumerGroups(List.of(group)).all().get().get(group);
        Expect.equal("reader", described.members().iterator().next().clientId());
        Expect.equal(Set.of(first, second), described.members().iterator().next().assignment().topicPartitions());
        Expect.failure(GroupNotEmptyException.class, () -> admin.deleteConsumerGroups(List.of(group)).all().get());
        admin.removeMembersFromConsumerGroup(group, new RemoveMembersFromConsumerGroupOptions()).all().get();
      }
      Expect.that(
          admin.listConsumerGroups().all().get().stream().map(ConsumerGroupListing::groupId).toList().contains(group),
          "the group is listed");
      admin.alterConsumerGroupOffsets(group, Map.of(first, new OffsetAndMetadata(7), second, new OffsetAndMetadata(8))).all().get();
      admin.deleteConsumerGroupOffsets(group, Set.of(first)).all().get();
      Map<TopicPartition, OffsetAndMetadata> offsets =
          admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get();
      Expect.equal("{" + second + "=8}", new TreeMap<>(Map.of(second.toString(), offsets.get(second).offset())).toString());
      Expect.equal(null, offsets.get(first));
      admin.deleteConsumerGroups(List.of(group)).all().get();
      Expect.failure(GroupIdNotFoundException.class, () -> admin.deleteConsumerGroups(List.of(group)).all().get());
    }
  }

  public static void theClusterItsFoldersAndItsLeadersAreShown(String bootstrap) throws Exception {
    Clients clients = new Clients(bootstrap);
    String topic = clients.topic(1);
    TopicPartition where = new TopicPartition(topic, 0);
    try (Admin admin = clients.admin();
        Producer<String, String> producer = clients.producer(Map.of())) {
      producer.send(new ProducerRecord<>(topic, 0, null, "x".repeat(1000))).get();
      Node node = admin.describeCluster().nodes().get().iterator().next();
      Expect.equal(bootstrap, node.host() + ":" + node.port());
      LogDirDescription folder =
          admin.describeLogDirs(List.of(node.id())).allDescriptions().get().get(node.id()).values().iterator().next();
      Expect.that(folder.replicaInfos().get(where).size() > 1000, "the size of the partition is known");
      Expect.that(folder.totalBytes().equals(OptionalLong.empty()) || folder.totalBytes().getAsLong() > 0, "sizes are not 0");
      Expect.equal(Map.of(), admin.listPartitionReassignments().reassignments().get());
      KafkaException notNeeded =
          (KafkaException) admin.electLeaders(ElectionType.PREFERRED, Set.of(where)).partitions().get().get(where).orElseThrow();
      Expect.equal("ElectionNotNeededException", notNeeded.getClass().getSimpleName());
    }
  }
}
