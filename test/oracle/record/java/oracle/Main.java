package oracle;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Records the scenarios of a folder into another: see the script `record`. */
public final class Main {
  public static void main(String[] arguments) throws Exception {
    Path from = Path.of(arguments[0]);
    Path to = Path.of(arguments[1]);
    ObjectMapper json = new ObjectMapper();
    Map<Path, ObjectNode> scenarios = new TreeMap<>();
    try (var files = Files.walk(from)) {
      for (Path file : files.filter(file -> file.toString().endsWith(".json")).toList()) {
        if (json.readTree(file.toFile()) instanceof ObjectNode scenario && scenario.has("topology")) {
          scenarios.put(from.relativize(file), scenario);
        }
      }
    }
    List<Path> names = new ArrayList<>(scenarios.keySet());
    Compiler compiler = new Compiler(names.stream().map(scenarios::get).toList());
    for (int i = 0; i < names.size(); i++) {
      ObjectNode recorded = new Recording(scenarios.get(names.get(i)), compiler.topology(i)).play();
      Path file = to.resolve(names.get(i));
      Files.createDirectories(file.getParent());
      Files.writeString(file, Layout.of(recorded));
    }
    System.err.println(names.size() + " scenarios recorded");
    System.exit(0);
  }

  private Main() {}
}
