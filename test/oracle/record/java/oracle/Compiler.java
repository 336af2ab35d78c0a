package oracle;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.ByteArrayOutputStream;
import java.io.OutputStream;
import java.net.URI;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.function.Function;
import javax.tools.DiagnosticCollector;
import javax.tools.Diagnostic;
import javax.tools.FileObject;
import javax.tools.ForwardingJavaFileManager;
import javax.tools.JavaFileManager;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.ToolProvider;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.TopologyConfig;

/** Compiles the topologies of scenarios, in memory: each is the body of a method of `b`, a builder, or of `t`, a topology. */
final class Compiler {
  private static final String HEADER =
      """
      import java.nio.charset.StandardCharsets;
      import java.time.*;
      import java.util.*;
      import java.util.function.*;
      import java.util.regex.Pattern;
      import java.util.stream.Collectors;
      import org.apache.kafka.common.header.internals.RecordHeaders;
      import org.apache.kafka.common.serialization.*;
      import org.apache.kafka.common.utils.Bytes;
      import org.apache.kafka.streams.*;
      import org.apache.kafka.streams.kstream.*;
      import org.apache.kafka.streams.kstream.Suppressed.BufferConfig;
      import org.apache.kafka.streams.processor.*;
      import org.apache.kafka.streams.processor.api.ContextualFixedKeyProcessor;
      import org.apache.kafka.streams.processor.api.ContextualProcessor;
      import org.apache.kafka.streams.processor.api.FixedKeyProcessorSupplier;
      import org.apache.kafka.streams.processor.api.FixedKeyRecord;
      import org.apache.kafka.streams.processor.api.ProcessorSupplier;
      import org.apache.kafka.streams.processor.api.Record;
      import org.apache.kafka.streams.state.*;
      import static oracle.ShortNames.*;
      """;

  private final Map<String, byte[]> classes = new HashMap<>();
  private final List<String> names = new ArrayList<>();
  private final List<Boolean> byHand = new ArrayList<>();

  Compiler(List<? extends JsonNode> scenarios) {
    Map<String, String> sources = new LinkedHashMap<>();
    Map<String, String> nameOf = new HashMap<>();
    Set<String> known = new HashSet<>();
    for (JsonNode scenario : scenarios) {
      List<String> lines = new ArrayList<>();
      scenario.get("topology").forEach(line -> lines.add(line.asText()));
      String body = String.join("\n", lines);
      boolean hand = lines.get(0).startsWith("t.") || body.contains("\nt.add");
      byHand.add(hand);
      String name = nameOf.computeIfAbsent(body, any -> "Topology" + nameOf.size());
      names.add(name);
      if (known.add(name)) {
        String parameter = hand ? "Topology t" : "StreamsBuilder b";
        sources.put(name, HEADER + "public final class " + name + " {\npublic static void build(" + parameter + ") {\n" + body + "\n}\n}\n");
      }
    }
    compile(sources);
  }

  /** The function from settings to the topology. */
  Function<Properties, Topology> topology(int scenario) {
    return settings -> {
      try {
        Class<?> type = new Loader().loadClass(names.get(scenario));
        TopologyConfig config = new TopologyConfig(new StreamsConfig(settings));
        if (byHand.get(scenario)) {
          Topology topology = new Topology(config);
          type.getMethod("build", Topology.class).invoke(null, topology);
          return topology;
        }
        StreamsBuilder builder = new StreamsBuilder(config);
        type.getMethod("build", StreamsBuilder.class).invoke(null, builder);
        return builder.build(settings);
      } catch (java.lang.reflect.InvocationTargetException thrown) {
        if (thrown.getCause() instanceof RuntimeException cause) throw cause;
        throw new IllegalStateException(thrown);
      } catch (ReflectiveOperationException thrown) {
        throw new IllegalStateException(thrown);
      }
    };
  }

  private void compile(Map<String, String> sources) {
    var compiler = ToolProvider.getSystemJavaCompiler();
    DiagnosticCollector<JavaFileObject> diagnostics = new DiagnosticCollector<>();
    List<JavaFileObject> files = new ArrayList<>();
    sources.forEach((name, source) -> files.add(new Source(name, source)));
    if (files.isEmpty()) return;
    JavaFileManager manager = new ForwardingJavaFileManager<>(compiler.getStandardFileManager(diagnostics, null, null)) {
      @Override
      public JavaFileObject getJavaFileForOutput(Location location, String name, JavaFileObject.Kind kind, FileObject sibling) {
        return new Output(name);
      }
    };
    List<String> options = List.of("--release", "17", "-proc:none", "-classpath", System.getProperty("java.class.path"));
    if (!compiler.getTask(null, manager, diagnostics, options, null, files).call()) {
      StringBuilder message = new StringBuilder("a topology does not compile:\n");
      for (var diagnostic : diagnostics.getDiagnostics()) {
        if (diagnostic.getKind() != Diagnostic.Kind.ERROR) continue;
        String source = sources.get(((Source) diagnostic.getSource()).name);
        message.append(diagnostic.getMessage(null)).append("\n  ")
            .append(source.split("\n")[(int) diagnostic.getLineNumber() - 1]).append('\n');
      }
      throw new IllegalArgumentException(message.toString());
    }
  }

  private static final class Source extends SimpleJavaFileObject {
    private final String name;
    private final String text;

    Source(String name, String text) {
      super(URI.create("memory:///" + name + ".java"), Kind.SOURCE);
      this.name = name;
      this.text = text;
    }

    @Override
    public CharSequence getCharContent(boolean ignoreErrors) {
      return text;
    }
  }

  private final class Output extends SimpleJavaFileObject {
    private final String name;

    Output(String name) {
      super(URI.create("memory:///" + name + ".class"), Kind.CLASS);
      this.name = name;
    }

    @Override
    public OutputStream openOutputStream() {
      return new ByteArrayOutputStream() {
        @Override
        public void close() {
          classes.put(name, toByteArray());
        }
      };
    }
  }

  /** A new one for each topology, so that none sees what another left in static fields. */
  private final class Loader extends ClassLoader {
    Loader() {
      super(Compiler.class.getClassLoader());
    }

    @Override
    protected Class<?> findClass(String name) throws ClassNotFoundException {
      byte[] bytes = classes.get(name);
      if (bytes == null) throw new ClassNotFoundException(name);
      return defineClass(name, bytes, 0, bytes.length);
    }
  }
}
