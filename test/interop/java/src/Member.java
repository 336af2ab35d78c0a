import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import org.apache.kafka.clients.consumer.CommitFailedException;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.RebalanceInProgressException;
import org.apache.kafka.common.errors.WakeupException;

/** A member of a consumer group on a thread of its own, which commits what it has read. */
final class Member implements AutoCloseable {
  final Set<TopicPartition> assigned = ConcurrentHashMap.newKeySet();
  final Set<TopicPartition> revoked = ConcurrentHashMap.newKeySet();
  final List<String> values = new CopyOnWriteArrayList<>();
  volatile int assignments;
  volatile Exception failure;
  private final Consumer<String, String> consumer;
  private final Thread thread;

  Member(Clients clients, String group, String topic, Map<String, Object> own) {
    Map<String, Object> settings = new HashMap<>(Map.of("group.id", group, "heartbeat.interval.ms", 100));
    settings.put("session.timeout.ms", 10_000);
    settings.putAll(own);
    consumer = clients.consumer(settings);
    thread = new Thread(() -> work(topic));
    thread.start();
  }

  private void work(String topic) {
    try (consumer) {
      consumer.subscribe(List.of(topic), new Assigned());
      for (; ; ) {
        consumer.poll(Duration.ofMillis(100)).forEach(record -> values.add(record.value()));
        commit();
      }
    } catch (WakeupException closed) {
      return;
    } catch (Exception thrown) {
      failure = thrown;
    }
  }

  private void commit() {
    try {
      consumer.commitSync();
    } catch (RebalanceInProgressException | CommitFailedException later) {
      // The next poll ends the rebalance, and what stays assigned is committed after it; or it says why not.
      return;
    }
  }

  @Override
  public void close() throws InterruptedException {
    consumer.wakeup();
    thread.join();
  }

  Set<TopicPartition> partitions() {
    return new HashSet<>(assigned);
  }

  private final class Assigned implements ConsumerRebalanceListener {
    @Override
    public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
      assigned.addAll(partitions);
      assignments++;
    }

    @Override
    public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
      assigned.removeAll(partitions);
      revoked.addAll(partitions);
    }
  }
}
