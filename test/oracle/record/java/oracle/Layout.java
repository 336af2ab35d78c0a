package oracle;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.TextNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** The text of a file: one line for each step, output and entry. */
final class Layout {
  static String of(JsonNode scenario) {
    List<String> fields = new ArrayList<>();
    for (Map.Entry<String, JsonNode> field : scenario.properties()) {
      String value = switch (field.getKey()) {
        case "config", "program" -> line(field.getValue());
        case "topics" -> members(field.getValue(), "    ", Layout::line, "  ");
        case "stores" -> members(field.getValue(), "    ", Layout::store, "  ");
        case "error" -> members(field.getValue(), "    ", part -> part.isArray() ? lines(part, "      ", "    ") : line(part), "  ");
        default -> field.getValue().isArray() ? lines(field.getValue(), "    ", "  ") : line(field.getValue());
      };
      fields.add("  " + quoted(field.getKey()) + ": " + value);
    }
    return "{\n" + String.join(",\n", fields) + "\n}\n";
  }

  private static String store(JsonNode store) {
    return "{\n      \"type\": " + line(store.get("type")) + ",\n      \"entries\": " + lines(store.get("entries"), "        ", "      ") + "\n    }";
  }

  private static String members(JsonNode object, String indent, java.util.function.Function<JsonNode, String> text, String end) {
    if (object.isEmpty()) return "{}";
    return object.properties().stream().map(field -> indent + quoted(field.getKey()) + ": " + text.apply(field.getValue()))
        .collect(Collectors.joining(",\n", "{\n", "\n" + end + "}"));
  }

  private static String lines(JsonNode array, String indent, String end) {
    if (array.isEmpty()) return "[]";
    List<String> parts = new ArrayList<>();
    for (JsonNode part : (ArrayNode) array) parts.add(indent + line(part));
    return "[\n" + String.join(",\n", parts) + "\n" + end + "]";
  }

  private static String line(JsonNode node) {
    if (node.isObject()) {
      return node.properties().stream().map(field -> quoted(field.getKey()) + ": " + line(field.getValue()))
          .collect(Collectors.joining(", ", "{", "}"));
    }
    if (node.isArray()) {
      List<String> parts = new ArrayList<>();
      node.forEach(part -> parts.add(line(part)));
      return "[" + String.join(", ", parts) + "]";
    }
    return node.toString();
  }

  private static String quoted(String text) {
    return TextNode.valueOf(text).toString();
  }

  private Layout() {}
}
