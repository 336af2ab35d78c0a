"""What librdkafka, through its Python binding, must be able to do against a broker. How it is told what to do says
java/src/Main.java; it knows the requests "list" and "check", this one with settings of security in JSON at the end."""

import io
import json
import sys
import time
import traceback
import uuid
from contextlib import redirect_stdout

from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
    OffsetSpec,
    ResourceType,
)

PATIENCE_S = 60


class Clients:
    """Clients of one broker, and names that nobody else uses."""

    def __init__(self, bootstrap, security):
        self.common = {"bootstrap.servers": bootstrap} | json.loads(security)
        self.admin = AdminClient(self.common)

    def producer(self, **settings):
        return Producer(self.common | {"linger.ms": 1} | named(settings))

    def transactional(self, name, **settings):
        producer = self.producer(transactional_id=name, **settings)
        producer.init_transactions(PATIENCE_S)
        return producer

    def consumer(self, **settings):
        default = {"group.id": new("group"), "auto.offset.reset": "earliest", "enable.auto.commit": False}
        default |= {"fetch.wait.max.ms": 50, "enable.partition.eof": True}
        return Consumer(self.common | default | named(settings))

    def topic(self, partitions=1, **config):
        name = new("topic")
        done(self.admin.create_topics([NewTopic(name, partitions, config=named(config))]))
        return name

    def read(self, topic, partition=0, isolation_level="read_committed"):
        """Everything in a partition up to its end as the isolation level sees it."""
        consumer = self.consumer(isolation_level=isolation_level)
        consumer.assign([TopicPartition(topic, partition, 0)])
        messages = []
        while True:
            message = consumer.poll(PATIENCE_S)
            assert message is not None, "the end of the partition was not reached"
            if message.error() is None:
                messages.append(message)
            elif message.error().code() == KafkaError._PARTITION_EOF:
                consumer.close()
                return messages
            else:
                raise KafkaException(message.error())

    def values(self, topic, partition=0, isolation_level="read_committed"):
        return [text(message.value()) for message in self.read(topic, partition, isolation_level)]


def named(settings):
    return {name.replace("_", "."): value for name, value in settings.items()}


def new(prefix):
    return f"{prefix}-{uuid.uuid4()}"


def text(value):
    return None if value is None else value.decode()


def done(futures):
    return {key: future.result() for key, future in futures.items()}


def equal(expected, actual):
    assert expected == actual, f"expected {expected}\n but got {actual}"


def failure(code, work):
    """Runs something that must fail with an error code."""
    try:
        result = work()
    except KafkaException as error:
        equal(code, error.args[0].code())
        return error.args[0]
    raise AssertionError(f"expected error {code}\n but got {result}")


def soon(sentence, holds):
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, f"not so after {PATIENCE_S} s: {sentence}"


def send(producer, topic, *values, partition=0):
    for value in values:
        producer.produce(topic, value, partition=partition)


def check_every_codec_with_every_acks(clients):
    for codec in ["none", "gzip", "snappy", "lz4", "zstd"]:
        topic = clients.topic()
        expected = []
        for acks in ["0", "1", "all"]:
            producer = clients.producer(compression_type=codec, acks=acks)
            values = [f"{codec} {acks} {'x' * i}" for i in range(100)]
            send(producer, topic, *values)
            expected += values
            producer.flush()
            soon("what was sent is readable", lambda: len(clients.values(topic)) >= len(expected))
        equal(expected, clients.values(topic))


def check_headers_and_nulls_come_back(clients):
    topic = clients.topic(2)
    producer = clients.producer()
    headers = [("twice", b"1"), ("twice", b""), ("null", None)]
    producer.produce(topic, "välue".encode(), "key", partition=1, timestamp=1234567890123, headers=headers)
    producer.produce(topic, None, None, partition=1)
    producer.produce(topic, b"", b"", partition=1)
    producer.flush()
    full, null, empty = clients.read(topic, 1)
    equal(("key", "välue", 1234567890123, headers), (text(full.key()), text(full.value()), full.timestamp()[1], full.headers()))
    equal((None, None), (null.key(), null.value()))
    equal((b"", b""), (empty.key(), empty.value()))


def check_big_records_are_taken_and_too_big_ones_refused(clients):
    topic = clients.topic(max_message_bytes="3000000")
    producer = clients.producer(message_max_bytes=20_000_000)
    outcomes = []
    for size in [2_000_000, 4_000_000, 10]:
        producer.produce(topic, b"b" * size, on_delivery=lambda error, message: outcomes.append(error and error.code()))
        producer.flush()
    equal([None, KafkaError.MSG_SIZE_TOO_LARGE, None], outcomes)
    equal([2_000_000, 10], [len(value) for value in clients.values(topic)])


def check_an_idempotent_producer_keeps_its_order(clients):
    topic = clients.topic()
    producer = clients.producer(enable_idempotence=True, batch_num_messages=20, linger_ms=0)
    expected = [str(i) for i in range(5000)]
    send(producer, topic, *expected)
    producer.flush()
    equal(expected, clients.values(topic))


class Member:
    """A member of a group that is polled by turns, commits what it has read and remembers what it was given and lost."""

    def __init__(self, clients, group, topic, **settings):
        self.assigned, self.lost, self.values, self.errors = set(), set(), [], []
        self.consumer = clients.consumer(
            group_id=group, session_timeout_ms=10_000, heartbeat_interval_ms=100, **settings
        )
        self.consumer.subscribe([topic], on_assign=self.on_assign, on_revoke=self.on_revoke)

    def on_assign(self, consumer, partitions):
        self.assigned |= {partition.partition for partition in partitions}

    def on_revoke(self, consumer, partitions):
        gone = {partition.partition for partition in partitions}
        self.assigned -= gone
        self.lost |= gone

    def poll(self):
        message = self.consumer.poll(0.02)
        if message is None:
            return
        if message.error() is None:
            self.values.append(text(message.value()))
            self.consumer.commit(message, asynchronous=True)
        elif message.error().code() != KafkaError._PARTITION_EOF:
            self.errors.append(message.error().code())


def until(sentence, members, holds):
    def polled():
        for member in members:
            member.poll()
        return holds()

    soon(sentence, polled)


def produce_round(clients, topic, numbers):
    producer = clients.producer()
    for number in numbers:
        send(producer, topic, str(number), partition=number % 4)
    producer.flush()


def come_and_go(clients, strategy):
    topic, group = clients.topic(4), new("group")
    produce_round(clients, topic, range(100))
    first = Member(clients, group, topic, partition_assignment_strategy=strategy)
    until("one has read all", [first], lambda: len(first.values) == 100 and len(first.assigned) == 4)
    second = Member(clients, group, topic, partition_assignment_strategy=strategy)
    both = [first, second]
    until("two share", both, lambda: [len(member.assigned) for member in both] == [2, 2])
    lost = set(first.lost)
    produce_round(clients, topic, range(100, 200))
    until("two have read all", both, lambda: len(set(first.values + second.values)) == 200)
    first.consumer.close()
    until("the other has all", [second], lambda: len(second.assigned) == 4)
    produce_round(clients, topic, range(200, 300))
    until("the last has read all", [second], lambda: len(set(first.values + second.values)) == 300)
    second.consumer.close()
    offsets = clients.consumer(group_id=group).committed([TopicPartition(topic, i) for i in range(4)], PATIENCE_S)
    equal([75] * 4, [partition.offset for partition in offsets])
    return lost


def check_eager_members_come_and_go(clients):
    equal(4, len(come_and_go(clients, "range")))


def check_cooperative_members_keep_what_they_have(clients):
    equal(2, len(come_and_go(clients, "cooperative-sticky")))


def check_a_static_member_comes_back_and_fences_its_double(clients):
    topic, group = clients.topic(4), new("group")
    first = Member(clients, group, topic, group_instance_id="first")
    second = Member(clients, group, topic, group_instance_id="second")
    until("two share", [first, second], lambda: [len(first.assigned), len(second.assigned)] == [2, 2])
    had = set(second.assigned)
    second.consumer.close()
    again = Member(clients, group, topic, group_instance_id="second")
    lost = set(first.lost)
    until("it has what it had", [first, again], lambda: again.assigned == had)
    equal(lost, first.lost)
    double = Member(clients, group, topic, group_instance_id="second")
    until("the double has taken over", [first, again, double], lambda: double.assigned == had)
    until("it is fenced", [first, again, double], lambda: KafkaError._FATAL in again.errors)
    for member in [first, again, double]:
        member.consumer.close()


def check_topics_settings_and_records_are_administered(clients):
    admin, topic = clients.admin, clients.topic(2, retention_ms="1000")
    failure(KafkaError.TOPIC_ALREADY_EXISTS, lambda: done(admin.create_topics([NewTopic(topic, 1)])))
    done(admin.create_partitions([NewPartitions(topic, 3)]))
    equal(3, len(admin.list_topics(topic, PATIENCE_S).topics[topic].partitions))
    resource = ConfigResource(ResourceType.TOPIC, topic)
    equal("1000", done(admin.describe_configs([resource]))[resource]["retention.ms"].value)
    change = ConfigEntry("retention.ms", "2000", incremental_operation=AlterConfigOpType.SET)
    done(admin.incremental_alter_configs([ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[change])]))
    equal("2000", done(admin.describe_configs([resource]))[resource]["retention.ms"].value)
    producer = clients.producer()
    send(producer, topic, "a", "b", "c")
    producer.flush()
    done(admin.delete_records([TopicPartition(topic, 0, 2)]))
    where = TopicPartition(topic, 0)
    equal(2, done(admin.list_offsets({where: OffsetSpec.earliest()}))[where].offset)
    equal(3, done(admin.list_offsets({where: OffsetSpec.latest()}))[where].offset)
    equal(["c"], clients.values(topic))
    done(admin.delete_topics([topic]))
    assert topic not in admin.list_topics(timeout=PATIENCE_S).topics


def check_groups_are_administered(clients):
    admin, topic, group = clients.admin, clients.topic(2), new("group")
    member = Member(clients, group, topic)
    until("there is a member", [member], lambda: len(member.assigned) == 2)
    described = done(admin.describe_consumer_groups([group]))[group]
    equal([2], [len(other.assignment.topic_partitions) for other in described.members])
    member.consumer.close()
    assert group in [listed.group_id for listed in admin.list_consumer_groups().result().valid]
    offsets = ConsumerGroupTopicPartitions(group, [TopicPartition(topic, 0, 7)])
    done(admin.alter_consumer_group_offsets([offsets]))
    listed = done(admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)]))[group]
    equal([7], [partition.offset for partition in listed.topic_partitions if partition.partition == 0])
    done(admin.delete_consumer_groups([group]))
    failure(KafkaError.GROUP_ID_NOT_FOUND, lambda: done(admin.delete_consumer_groups([group])))


def check_transactions_commit_and_abort(clients):
    topic = clients.topic(2)
    producer = clients.transactional(new("id"))
    for outcome, value in [("commit", "a"), ("abort", "lost"), ("commit", "b")]:
        producer.begin_transaction()
        send(producer, topic, value)
        send(producer, topic, value, partition=1)
        producer.flush()
        if outcome == "commit":
            producer.commit_transaction(PATIENCE_S)
        else:
            producer.abort_transaction(PATIENCE_S)
    for partition in [0, 1]:
        equal(["a", "b"], clients.values(topic, partition))
        equal(["a", "lost", "b"], clients.values(topic, partition, "read_uncommitted"))


def check_an_open_transaction_holds_readers_of_committed_records(clients):
    topic = clients.topic()
    producer, plain = clients.transactional(new("id")), clients.producer()
    producer.begin_transaction()
    send(producer, topic, "open")
    producer.flush()
    send(plain, topic, "plain")
    plain.flush()
    equal([], clients.values(topic))
    producer.commit_transaction(PATIENCE_S)
    equal(["open", "plain"], clients.values(topic))


def check_a_second_producer_of_the_same_id_fences_the_first(clients):
    topic, name = clients.topic(), new("id")
    first = clients.transactional(name)
    first.begin_transaction()
    send(first, topic, "lost")
    first.flush()
    second = clients.transactional(name)
    second.begin_transaction()
    send(second, topic, "kept")
    assert failure(KafkaError._FENCED, lambda: first.commit_transaction(PATIENCE_S)).fatal()
    second.commit_transaction(PATIENCE_S)
    equal(["kept"], clients.values(topic))


def check_a_transaction_that_takes_too_long_is_aborted(clients):
    topic, name = clients.topic(), new("id")
    slow, plain = clients.transactional(name, transaction_timeout_ms=1000), clients.producer()
    slow.begin_transaction()
    send(slow, topic, "lost")
    slow.flush()
    send(plain, topic, "plain")
    plain.flush()
    equal([], clients.values(topic))
    soon("the transaction is aborted", lambda: clients.values(topic) == ["plain"])
    try:
        slow.commit_transaction(PATIENCE_S)
        raise AssertionError("a transaction that the broker has aborted was committed")
    except KafkaException:
        del slow
    following = clients.transactional(name)
    following.begin_transaction()
    send(following, topic, "next")
    following.commit_transaction(PATIENCE_S)
    equal(["plain", "next"], clients.values(topic))


def check_offsets_are_committed_with_the_transaction_or_not_at_all(clients):
    source, target, group = clients.topic(), clients.topic(), new("group")
    plain = clients.producer()
    values = [str(i) for i in range(60)]
    send(plain, source, *values)
    plain.flush()
    producer = clients.transactional(new("id"))
    position, attempt = 0, 0
    while position < len(values):
        # A new consumer every time, as after a crash: it goes on from what is committed.
        consumer = clients.consumer(group_id=group, session_timeout_ms=6000)
        consumer.subscribe([source])
        messages = []
        while len(messages) < 20:
            message = consumer.poll(PATIENCE_S)
            if message.error() is None:
                messages.append(message)
        equal(position, messages[0].offset())
        producer.begin_transaction()
        send(producer, target, *[message.value() for message in messages])
        offsets = [TopicPartition(source, 0, messages[-1].offset() + 1)]
        producer.send_offsets_to_transaction(offsets, consumer.consumer_group_metadata(), PATIENCE_S)
        if attempt % 2 == 0:
            producer.abort_transaction(PATIENCE_S)
        else:
            producer.commit_transaction(PATIENCE_S)
            position += len(messages)
        attempt += 1
        consumer.close()
    equal(values, clients.values(target))


CHECKS = {name.removeprefix("check_"): value for name, value in globals().items() if name.startswith("check_")}


def run(request):
    """Returns the exit code, what was printed and the complaint."""
    printed = io.StringIO()
    try:
        with redirect_stdout(printed):
            if request[0] == "list":
                print("\n".join(sorted(CHECKS)), end="")
            else:
                CHECKS[request[1]](Clients(*request[2:]))
        return 0, printed.getvalue(), ""
    except Exception:
        return 70, printed.getvalue(), traceback.format_exc()


for line in sys.stdin:
    code, *texts = run([field.replace("\x1e", "\n") for field in line.rstrip("\n").split("\x1f")])
    output, errors = (value.encode() for value in texts)
    sys.stdout.buffer.write(f"{code} {len(output)} {len(errors)}\n".encode() + output + errors)
    sys.stdout.buffer.flush()
