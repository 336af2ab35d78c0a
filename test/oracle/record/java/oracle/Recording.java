package oracle;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.lang.reflect.Field;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Queue;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.TestInputTopic;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.TopologyTestDriver;
import org.apache.kafka.streams.processor.StateStore;
import org.apache.kafka.streams.processor.internals.ProcessorNode;
import org.apache.kafka.streams.processor.internals.ProcessorTopology;
import org.apache.kafka.streams.test.TestRecord;

/** One scenario on Kafka Streams' test driver. */
final class Recording {
  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

  private final JsonNode scenario;
  private final Function<Properties, Topology> build;
  private final List<ProducerRecord<byte[], byte[]>> produced = new ArrayList<>();
  private final Set<String> producedTopics = new TreeSet<>();
  private final ObjectNode recorded = JSON.objectNode();
  private final ArrayNode outputs = JSON.arrayNode();
  private final ArrayNode logs = JSON.arrayNode();

  Recording(JsonNode scenario, Function<Properties, Topology> build) {
    this.scenario = scenario;
    this.build = build;
  }

  /** The scenario with what came out. */
  ObjectNode play() throws IOException {
    for (String field : List.of("name", "family", "about", "quirk")) copy(field);
    recorded.put("kafkaStreams", "4.3.1");
    for (String field : List.of("program", "topology", "config")) copy(field);
    Path folder = Files.createTempDirectory("oracle-");
    ShortNames.lines.clear();
    try {
      run(settings(folder));
    } finally {
      delete(folder);
    }
    return recorded;
  }

  private void run(Properties settings) {
    Topology topology;
    String describe;
    try {
      topology = build.apply(settings);
      describe = topology.describe().toString().replaceAll("extractor class: [^)]*", "extractor class: ...");
    } catch (RuntimeException thrown) {
      fail(JSON.textNode("build"), thrown);
      return;
    }
    if (scenario.has("steps")) {
      for (String field : List.of("wallClock", "topics", "steps")) copy(field);
      drive(topology, settings);
    }
    recorded.put("describe", describe);
  }

  private void drive(Topology topology, Properties settings) {
    ObjectNode error = null;
    TopologyTestDriver driver;
    try {
      driver = new TopologyTestDriver(topology, settings, Instant.ofEpochMilli(scenario.path("wallClock").asLong()));
    } catch (RuntimeException thrown) {
      fail(JSON.textNode("start"), thrown);
      return;
    }
    capture(driver);
    takeLogs(JSON.textNode("start"));
    int step = 0;
    ObjectNode shown = null;
    try {
      for (JsonNode each : scenario.get("steps")) {
        if (each.has("close")) shown = look(driver);
        perform(driver, each);
        take(step);
        step++;
      }
    } catch (RuntimeException thrown) {
      error = error(JSON.numberNode(step), thrown);
    }
    recorded.set("outputs", outputs);
    recorded.set("order", scenario.has("order") ? scenario.get("order") : JSON.textNode("total"));
    if (!logs.isEmpty()) recorded.set("logs", logs);
    recorded.setAll(shown == null ? look(driver) : shown);
    if (error != null) recorded.set("error", error);
    // A task that failed may not close in order; what it showed is recorded by now.
    if (shown == null) {
      try {
        driver.close();
      } catch (RuntimeException thrown) {
        if (error == null) throw thrown;
      }
    }
  }

  private void perform(TopologyTestDriver driver, JsonNode step) {
    if (step.has("close")) {
      driver.close();
    } else if (step.has("advance")) {
      driver.advanceWallClockTime(Duration.ofMillis(step.get("advance").asLong()));
    } else {
      String topic = step.get("pipe").asText();
      JsonNode formats = scenario.get("topics").get(topic);
      TestInputTopic<byte[], byte[]> input = driver.createInputTopic(topic, new ByteArraySerializer(), new ByteArraySerializer());
      RecordHeaders headers = new RecordHeaders();
      for (JsonNode header : step.path("headers")) {
        headers.add(header.get(0).asText(), header.get(1).isNull() ? null : Serdes.String().serializer().serialize("", header.get(1).asText()));
      }
      // With an Instant the timestamp may be negative.
      input.pipeInput(new TestRecord<>(
          Formats.write(formats.get("key").asText(), step.get("key")),
          Formats.write(formats.get("value").asText(), step.get("value")),
          headers,
          Instant.ofEpochMilli(step.get("timestamp").asLong())));
    }
  }

  /** Stores, internal topics and drops as they are now. */
  private ObjectNode look(TopologyTestDriver driver) {
    Set<String> keys = new TreeSet<>();
    TreeSet<Long> times = new TreeSet<>();
    for (JsonNode step : scenario.get("steps")) {
      if (!step.has("pipe")) continue;
      if (step.get("key").isTextual()) keys.add(step.get("key").asText());
      times.add(step.get("timestamp").asLong());
    }
    Set<String> operatorsOwn = operatorsOwn(driver);
    ObjectNode stores = JSON.objectNode();
    ArrayNode internalStores = JSON.arrayNode();
    for (Map.Entry<String, StateStore> store : new TreeMap<>(driver.getAllStateStores()).entrySet()) {
      ObjectNode contents = operatorsOwn.contains(store.getKey()) ? null : StoreContents.of(store.getValue(), keys, times);
      if (contents == null) internalStores.add(store.getKey());
      else stores.set(store.getKey(), contents);
    }
    String prefix = scenario.get("config").get("application.id").asText() + "-";
    ArrayNode internalTopics = JSON.arrayNode();
    Set<String> allProduced = new TreeSet<>(producedTopics);
    allProduced.addAll(driver.producedTopicNames());
    allProduced.stream().filter(name -> name.startsWith(prefix)).forEach(internalTopics::add);
    double dropped = 0;
    for (var metric : driver.metrics().entrySet()) {
      if (metric.getKey().name().equals("dropped-records-total") && metric.getKey().group().equals("stream-task-metrics")) {
        dropped += ((Number) metric.getValue().metricValue()).doubleValue();
      }
    }
    ObjectNode shown = JSON.objectNode();
    shown.set("stores", stores);
    shown.set("internalStores", internalStores);
    shown.set("internalTopics", internalTopics);
    shown.put("droppedRecords", (long) dropped);
    return shown;
  }

  /** The stores that a join keeps for itself, although they are of a kind that can be queried. */
  private static Set<String> operatorsOwn(TopologyTestDriver driver) {
    Set<String> names = new HashSet<>();
    ProcessorTopology topology = get(driver, TopologyTestDriver.class, "processorTopology");
    if (topology == null) return names;
    for (ProcessorNode<?, ?, ?, ?> node : topology.processors()) {
      Object processor = get(node, ProcessorNode.class, "processor");
      String type = processor == null ? "" : processor.getClass().getName();
      if (type.contains("KStreamJoinWindow") || type.contains("KStreamKStream") || type.contains("SubscriptionReceiveProcessor")) {
        names.addAll(node.stateStores);
      }
    }
    return names;
  }

  private void take(int step) {
    for (ProducerRecord<byte[], byte[]> record : produced) {
      JsonNode formats = scenario.get("topics").get(record.topic());
      // What the scenario does not name is not shown.
      if (formats == null) continue;
      ObjectNode output = outputs.addObject();
      output.put("after", step);
      output.put("topic", record.topic());
      output.set("key", Formats.read(formats.get("key").asText(), record.key()));
      output.set("value", Formats.read(formats.get("value").asText(), record.value()));
      output.put("timestamp", record.timestamp());
      ArrayNode headers = JSON.arrayNode();
      for (Header header : record.headers()) {
        String text = header.value() == null ? null : Serdes.String().deserializer().deserialize("", header.value());
        headers.addArray().add(header.key()).add(header.key().equals("__streams.errors.stacktrace") ? "..." : text);
      }
      if (!headers.isEmpty()) output.set("headers", headers);
    }
    produced.clear();
    takeLogs(JSON.numberNode(step));
  }

  private void takeLogs(JsonNode after) {
    for (String line : ShortNames.lines) {
      ObjectNode log = logs.addObject();
      log.set("after", after);
      log.put("line", line);
    }
    ShortNames.lines.clear();
  }

  private void fail(JsonNode after, RuntimeException thrown) {
    recorded.set("error", error(after, thrown));
  }

  private static ObjectNode error(JsonNode after, RuntimeException thrown) {
    ObjectNode error = JSON.objectNode();
    error.set("after", after);
    ArrayNode chain = error.putArray("thrown");
    Throwable innermost = thrown;
    for (Throwable each = thrown; each != null; each = each.getCause()) {
      chain.add(each.getClass().getSimpleName());
      innermost = each;
    }
    error.put("message", innermost.getMessage());
    return error;
  }

  /**
   * The driver sorts what is produced by topic and forgets in which order it came across topics; its map is replaced by one
   * that notes that.
   */
  private void capture(TopologyTestDriver driver) {
    Map<String, Queue<ProducerRecord<byte[], byte[]>>> map = new HashMap<>() {
      @Override
      public Queue<ProducerRecord<byte[], byte[]>> computeIfAbsent(
          String topic, Function<? super String, ? extends Queue<ProducerRecord<byte[], byte[]>>> ignored) {
        return super.computeIfAbsent(topic, any -> new LinkedList<>() {
          @Override
          public boolean add(ProducerRecord<byte[], byte[]> record) {
            produced.add(record);
            producedTopics.add(record.topic());
            return super.add(record);
          }
        });
      }
    };
    try {
      Field field = TopologyTestDriver.class.getDeclaredField("outputRecordsByTopic");
      field.setAccessible(true);
      field.set(driver, map);
    } catch (ReflectiveOperationException thrown) {
      throw new IllegalStateException(thrown);
    }
  }

  @SuppressWarnings("unchecked")
  private static <T> T get(Object object, Class<?> type, String name) {
    try {
      Field field = type.getDeclaredField(name);
      field.setAccessible(true);
      return (T) field.get(object);
    } catch (ReflectiveOperationException thrown) {
      throw new IllegalStateException(thrown);
    }
  }

  private Properties settings(Path folder) {
    Properties settings = new Properties();
    settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, "127.0.0.1:1");
    settings.put(StreamsConfig.STATE_DIR_CONFIG, folder.toString());
    settings.put(StreamsConfig.DEFAULT_KEY_SERDE_CLASS_CONFIG, Serdes.StringSerde.class.getName());
    settings.put(StreamsConfig.DEFAULT_VALUE_SERDE_CLASS_CONFIG, Serdes.StringSerde.class.getName());
    scenario.get("config").properties().forEach(entry -> settings.put(entry.getKey(), entry.getValue().asText()));
    return settings;
  }

  private void copy(String field) {
    if (scenario.has(field)) recorded.set(field, scenario.get(field));
  }

  private static void delete(Path folder) throws IOException {
    try (var files = Files.walk(folder)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) Files.deleteIfExists(file);
    }
  }
}
