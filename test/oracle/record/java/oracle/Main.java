package oracle;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Records the scenarios of a folder into another: see the script `record`. */
public final class Main {
  public static void main(String[] arguments) throws Exception {
    if (arguments.length == 2) {
      System.out.println(record(Path.of(arguments[0]), Path.of(arguments[1])));
    } else {
      BufferedReader folders = new BufferedReader(new InputStreamReader(System.in));
      for (String from = folders.readLine(); from != null; from = folders.readLine()) {
        System.out.println(record(Path.of(from), Path.of(folders.readLine())));
      }
    }
    System.exit(0);
  }

  private static String record(Path from, Path to) throws Exception {
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
    return names.size() + " scenarios recorded";
  }

  private Main() {}
}
