import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;

/** What the checks say about what they see. */
final class Expect {
  private Expect() {}

  static void equal(Object expected, Object actual) {
    if (!Objects.equals(expected, actual)) {
      throw new AssertionError("expected " + expected + "\n but got " + actual);
    }
  }

  static void that(boolean holds, String sentence) {
    if (!holds) throw new AssertionError("not so: " + sentence);
  }

  /** Runs something that must fail with an exception of the type, or with one that has it as its cause. */
  static <T extends Throwable> T failure(Class<T> type, Callable<?> work) throws Exception {
    Object result;
    try {
      result = work.call();
    } catch (Exception thrown) {
      Throwable cause = thrown instanceof ExecutionException ? thrown.getCause() : thrown;
      if (type.isInstance(cause)) return type.cast(cause);
      throw thrown;
    }
    throw new AssertionError("expected " + type.getSimpleName() + "\n but got " + result);
  }

  /** Waits until something holds; a minute is far more than any of it takes. */
  static void soon(String sentence, Callable<Boolean> holds) throws Exception {
    long deadline = System.nanoTime() + 60_000_000_000L;
    while (!holds.call()) {
      if (System.nanoTime() > deadline) throw new AssertionError("not so after a minute: " + sentence);
      Thread.sleep(10);
    }
  }
}
