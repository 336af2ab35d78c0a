import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/**
 * Does what it is told over standard input, one thing after the other, so that a JVM is started once and not for each.
 * A request is a line, its fields separated by U+001F, a newline in a field written as U+001E:
 *
 *   list                             the names of all checks
 *   check  NAME  BOOTSTRAP           runs a check
 *   tool   NAME  INPUT  ARGUMENT...  runs a command of Apache Kafka, with its standard input
 *
 * The answer is a line with the exit code and the sizes in bytes of what was written to standard output and standard
 * error, and then these bytes.
 */
public final class Main {
  private static final List<Class<?>> CHECKS =
      List.of(
          ProduceChecks.class,
          ConsumeChecks.class,
          GroupChecks.class,
          AdminChecks.class,
          TransactionChecks.class);

  /** Where the tools are, by version: some have moved. */
  private static final List<String> PACKAGES =
      List.of(
          "org.apache.kafka.tools.",
          "org.apache.kafka.tools.consumer.",
          "org.apache.kafka.tools.consumer.group.",
          "org.apache.kafka.tools.reassign.",
          "kafka.tools.",
          "kafka.admin.");

  private static Method method(String check) throws ReflectiveOperationException {
    for (Class<?> type : CHECKS) {
      for (Method method : type.getDeclaredMethods()) {
        if (check.equals(name(method))) return method;
      }
    }
    throw new NoSuchMethodException(check);
  }

  private static String name(Method method) {
    return method.getDeclaringClass().getSimpleName() + "." + method.getName();
  }

  private static String list() {
    return CHECKS.stream()
        .flatMap(type -> Arrays.stream(type.getDeclaredMethods()))
        .filter(method -> Modifier.isPublic(method.getModifiers()))
        .map(Main::name)
        .sorted()
        .collect(Collectors.joining("\n"));
  }

  private static Method tool(String name) throws ReflectiveOperationException {
    for (String prefix : PACKAGES) {
      try {
        return Class.forName(prefix + name).getMethod("main", String[].class);
      } catch (ClassNotFoundException elsewhere) {
        continue;
      }
    }
    throw new ClassNotFoundException(name);
  }

  private static void run(List<String> request) throws Throwable {
    switch (request.get(0)) {
      case "list" -> System.out.print(list());
      case "check" -> method(request.get(1)).invoke(null, request.get(2));
      case "tool" -> {
        System.setIn(new ByteArrayInputStream(request.get(2).getBytes(StandardCharsets.UTF_8)));
        String[] arguments = request.subList(3, request.size()).toArray(String[]::new);
        tool(request.get(1)).invoke(null, (Object) arguments);
      }
      default -> throw new IllegalArgumentException(request.get(0));
    }
  }

  public static void main(String[] args) throws IOException {
    InputStream in = System.in;
    PrintStream out = System.out;
    Captured captured = new Captured();
    BufferedReader requests = new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8));
    for (String line; (line = requests.readLine()) != null; ) {
      List<String> request =
          Arrays.stream(line.split("\u001f", -1)).map(field -> field.replace('\u001e', '\n')).toList();
      Captured.Result result = captured.run(() -> run(request));
      out.println(result.code() + " " + result.output().length + " " + result.errors().length);
      out.write(result.output());
      out.write(result.errors());
      out.flush();
    }
    Runtime.getRuntime().halt(0);
  }
}
