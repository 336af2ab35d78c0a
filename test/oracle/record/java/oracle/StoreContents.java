package oracle;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.processor.StateStore;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.SessionStore;
import org.apache.kafka.streams.state.TimestampedKeyValueStore;
import org.apache.kafka.streams.state.TimestampedWindowStore;
import org.apache.kafka.streams.state.ValueAndTimestamp;
import org.apache.kafka.streams.state.VersionedKeyValueStore;
import org.apache.kafka.streams.state.VersionedRecord;
import org.apache.kafka.streams.state.WindowStore;

/** What a store shows to queries. */
final class StoreContents {
  /** Null for a store that only its operator can read. Of a versioned store it asks for the given keys at the given times. */
  @SuppressWarnings("unchecked")
  static ObjectNode of(StateStore store, Set<String> keys, TreeSet<Long> times) {
    if (store instanceof VersionedKeyValueStore<?, ?> versioned) {
      return contents("versioned", versions((VersionedKeyValueStore<String, ?>) versioned, keys, times));
    }
    if (store instanceof TimestampedKeyValueStore<?, ?> rows) return contents("timestampedKeyValue", entries(rows.all()));
    if (store instanceof KeyValueStore<?, ?> rows) return contents("keyValue", entries(rows.all()));
    if (store instanceof TimestampedWindowStore<?, ?> rows) return contents("timestampedWindow", entries(rows.all()));
    if (store instanceof WindowStore<?, ?> rows) return contents("window", entries(rows.all()));
    if (store instanceof SessionStore<?, ?> rows) return contents("session", entries(((SessionStore<String, ?>) rows).fetch(null, null)));
    return null;
  }

  private static List<ObjectNode> entries(KeyValueIterator<?, ?> iterator) {
    List<ObjectNode> entries = new ArrayList<>();
    try (iterator) {
      while (iterator.hasNext()) {
        KeyValue<?, ?> row = iterator.next();
        if (row.value instanceof ValueAndTimestamp<?> value) entries.add(entry(row.key, value.value(), value.timestamp()));
        else entries.add(entry(row.key, row.value, null));
      }
    }
    return entries;
  }

  private static List<ObjectNode> versions(VersionedKeyValueStore<String, ?> store, Set<String> keys, TreeSet<Long> times) {
    List<ObjectNode> entries = new ArrayList<>();
    for (String key : keys) {
      Set<Long> seen = new TreeSet<>();
      for (long time : times) {
        VersionedRecord<?> version = store.get(key, time);
        if (version != null && seen.add(version.timestamp())) entries.add(entry(key, version.value(), version.timestamp()));
      }
    }
    return entries;
  }

  private static ObjectNode entry(Object key, Object value, Long timestamp) {
    ObjectNode entry = JsonNodeFactory.instance.objectNode();
    entry.set("key", Formats.toJson(key));
    entry.set("value", Formats.toJson(value));
    if (timestamp != null) entry.put("timestamp", timestamp);
    return entry;
  }

  private static ObjectNode contents(String type, List<ObjectNode> entries) {
    entries.sort(Comparator.comparing((ObjectNode entry) -> plainKey(entry.get("key")))
        .thenComparing(entry -> entry.get("key").path("start").asLong())
        .thenComparing(entry -> entry.get("key").path("end").asLong()));
    ObjectNode contents = JsonNodeFactory.instance.objectNode();
    contents.put("type", type);
    ArrayNode list = contents.putArray("entries");
    list.addAll(entries);
    return contents;
  }

  private static String plainKey(JsonNode key) {
    return key.isObject() ? key.get("key").asText() : key.asText();
  }

  private StoreContents() {}
}
