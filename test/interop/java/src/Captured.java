import java.io.ByteArrayOutputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.apache.kafka.common.utils.Exit;

/**
 * Runs what believes to have the process for itself: what it writes is kept, it may end, and what it wants done at the end
 * is done. Ending is an exception here; whoever catches it and says more is not listened to.
 */
final class Captured {
  interface Work {
    void run() throws Throwable;
  }

  private static final class Ended extends RuntimeException {
    private static final long serialVersionUID = 1;
  }

  /** Where a standard stream goes at the moment. It stays the same stream, because some keep it. */
  private static final class Stream extends OutputStream {
    private ByteArrayOutputStream kept = null;

    synchronized void keep(ByteArrayOutputStream where) {
      kept = where;
    }

    @Override
    public synchronized void write(int value) {
      if (kept != null) kept.write(value);
    }

    @Override
    public synchronized void write(byte[] bytes, int from, int length) {
      if (kept != null) kept.write(bytes, from, length);
    }

    PrintStream printer() {
      return new PrintStream(this, true, StandardCharsets.UTF_8);
    }
  }

  private final Stream output = new Stream();
  private final Stream errors = new Stream();
  private final List<Runnable> atEnd = new ArrayList<>();
  private Integer endedWith;

  Captured() {
    System.setOut(output.printer());
    System.setErr(errors.printer());
    Exit.setExitProcedure((code, message) -> end(code));
    Exit.setHaltProcedure((code, message) -> end(code));
    Exit.setShutdownHookAdder((name, runnable) -> atEnd.add(runnable));
  }

  record Result(int code, byte[] output, byte[] errors) {}

  Result run(Work work) {
    ByteArrayOutputStream written = new ByteArrayOutputStream();
    ByteArrayOutputStream complaints = new ByteArrayOutputStream();
    listen(written, complaints);
    atEnd.clear();
    endedWith = null;
    Throwable failure = null;
    try {
      work.run();
    } catch (InvocationTargetException thrown) {
      failure = thrown.getCause();
    } catch (Throwable thrown) {
      failure = thrown;
    }
    listen(written, complaints);
    atEnd.forEach(Runnable::run);
    if (endedWith == null && failure != null) failure.printStackTrace();
    listen(null, null);
    int code = endedWith != null ? endedWith : failure == null ? 0 : 70;
    return new Result(code, written.toByteArray(), complaints.toByteArray());
  }

  private void listen(ByteArrayOutputStream written, ByteArrayOutputStream complaints) {
    output.keep(written);
    errors.keep(complaints);
  }

  private void end(int code) {
    if (endedWith == null) endedWith = code;
    listen(null, null);
    throw new Ended();
  }
}
