package oracle;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.kstream.Windowed;
import org.apache.kafka.streams.kstream.internals.TimeWindow;
import org.apache.kafka.streams.state.internals.WindowKeySchema;

/** Keys and values as the files have them, to and from bytes and Java's objects. */
final class Formats {
  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;
  private static final Pattern FORMAT = Pattern.compile("(\\w+)(?:\\((\\d+)\\))?");

  static byte[] write(String format, JsonNode value) {
    if (value.isNull()) return null;
    Matcher matcher = match(format);
    return switch (matcher.group(1)) {
      case "string" -> Serdes.String().serializer().serialize("", value.asText());
      case "long" -> Serdes.Long().serializer().serialize("", value.asLong());
      case "integer" -> Serdes.Integer().serializer().serialize("", value.asInt());
      case "double" -> Serdes.Double().serializer().serialize("", value.asDouble());
      case "windowed" -> ShortNames.timeWindowed(Long.parseLong(matcher.group(2))).serializer().serialize("",
          new Windowed<>(value.get("key").asText(), new TimeWindow(value.get("start").asLong(), value.get("end").asLong())));
      default -> throw new IllegalArgumentException("nothing of the format " + format + " can be piped");
    };
  }

  static JsonNode read(String format, byte[] bytes) {
    if (bytes == null) return JSON.nullNode();
    Matcher matcher = match(format);
    Serde<?> serde = switch (matcher.group(1)) {
      case "string" -> Serdes.String();
      case "long" -> Serdes.Long();
      case "integer" -> Serdes.Integer();
      case "double" -> Serdes.Double();
      case "windowed" -> ShortNames.timeWindowed(Long.parseLong(matcher.group(2)));
      case "session" -> ShortNames.sessionWindowed();
      case "changelog" -> null;
      default -> throw new IllegalArgumentException("there is no format " + format);
    };
    if (serde != null) return toJson(serde.deserializer().deserialize("", bytes));
    return toJson(WindowKeySchema.fromStoreKey(bytes, Long.parseLong(matcher.group(2)), Serdes.String().deserializer(), new RecordHeaders(), ""));
  }

  static JsonNode toJson(Object value) {
    if (value == null) return JSON.nullNode();
    if (value instanceof String text) return JSON.textNode(text);
    if (value instanceof Long number) return JSON.numberNode(number);
    if (value instanceof Integer number) return JSON.numberNode(number);
    if (value instanceof Double number) return JSON.numberNode(number);
    if (value instanceof Windowed<?> windowed) {
      ObjectNode node = JSON.objectNode();
      node.set("key", toJson(windowed.key()));
      node.put("start", windowed.window().start());
      if (windowed.window().end() == Long.MAX_VALUE) node.put("end", "unlimited");
      else node.put("end", windowed.window().end());
      return node;
    }
    throw new IllegalArgumentException("the files have no " + value.getClass());
  }

  private static Matcher match(String format) {
    Matcher matcher = FORMAT.matcher(format);
    if (!matcher.matches()) throw new IllegalArgumentException("there is no format " + format);
    return matcher;
  }

  private Formats() {}
}
