"""Every method of the client, against local mode: what it does, not only that it does not fail."""

import json
import uuid
from dataclasses import dataclass
from typing import Callable

import pytest
from local_mode import Destination, LocalMode, Sink, until
from qstash.errors import QStashError
from qstash.log import LogState
from reflection import ASYNC_METHODS, SYNC_METHODS, Noting


@dataclass
class Stage:
    """What a case acts with."""

    qstash: Noting
    service: LocalMode
    sink: Sink

    def publish_later(self, **options: object) -> str:
        """The id of a message that waits for an hour."""
        url = self.sink.destination().url
        return self.qstash.message.publish(url=url, body="later", delay="1h", **options).message_id

    def dead_letter(self, **options: object):
        destination = self.sink.destination(500)
        message_id = self.qstash.message.publish(url=destination.url, body="dead", retries=0, **options).message_id
        listed = until(lambda: self.qstash.dlq.list(filter={"message_id": message_id}).messages)
        assert len(listed) == 1
        return listed[0]

    def url_group(self) -> tuple[str, list[Destination]]:
        name = new_name()
        destinations = [self.sink.destination(), self.sink.destination()]
        endpoints = [{"url": destination.url, "name": f"endpoint-{n}"} for n, destination in enumerate(destinations)]
        self.qstash.url_group.upsert_endpoints(name, endpoints)
        return name, destinations

    def paused_queue(self) -> str:
        name = new_name()
        self.qstash.queue.upsert(name, paused=True)
        return name

    def schedule(self, **options: object) -> tuple[str, Destination]:
        """A schedule that runs each minute."""
        destination = self.sink.destination()
        schedule_id = self.qstash.schedule.create(destination=destination.url, cron="* * * * *", **options)
        return schedule_id, destination

    def flow_control_key(self) -> str:
        key = new_name()
        self.publish_later(flow_control={"key": key, "parallelism": 2, "rate": 5, "period": "1m"})
        return key


Case = Callable[[Stage], None]
CASES: dict[str, Case] = {}


def case(method: str) -> Callable[[Case], Case]:
    def register(run: Case) -> Case:
        assert method not in CASES, method
        CASES[method] = run
        return run

    return register


@pytest.mark.parametrize("method", sorted(SYNC_METHODS | ASYNC_METHODS))
def test_method(method: str, qstash: Noting, service: LocalMode, sink: Sink) -> None:
    CASES[method](Stage(qstash, service, sink))
    assert method in qstash.called


def test_both_clients_have_the_same_methods_and_each_case_is_of_one() -> None:
    assert SYNC_METHODS == ASYNC_METHODS == set(CASES)


def new_name() -> str:
    return f"name-{uuid.uuid4().hex}"


def expect_missing(call: Callable[[], object]) -> None:
    with pytest.raises(QStashError, match="status: 404"):
        call()


# Messages


@case("message.publish")
def _(stage: Stage) -> None:
    destination, callback = stage.sink.destination(), stage.sink.destination()
    published = stage.qstash.message.publish(
        url=destination.url,
        body="hello",
        content_type="text/plain",
        method="PUT",
        headers={"X-Mine": "1"},
        callback=callback.url,
        content_based_deduplication=True,
        label="python",
    )
    assert published.deduplicated is False
    arrival = destination.arrival()
    assert (arrival.method, arrival.body) == ("PUT", b"hello")
    assert arrival.headers["x-mine"] == "1"
    assert arrival.headers["content-type"] == "text/plain"
    assert arrival.headers["upstash-message-id"] == published.message_id
    assert json.loads(callback.arrival().body)["sourceMessageId"] == published.message_id

    name, destinations = stage.url_group()
    sent = stage.qstash.message.publish(url_group=name, body="all")
    assert [response.url for response in sent] == [destination.url for destination in destinations]
    assert [destination.arrival().body for destination in destinations] == [b"all", b"all"]


@case("message.publish_json")
def _(stage: Stage) -> None:
    destination = stage.sink.destination()
    options = {"url": destination.url, "body": {"a": 1}, "deduplication_id": new_name()}
    first = stage.qstash.message.publish_json(**options)
    second = stage.qstash.message.publish_json(**options)
    assert (second.message_id, second.deduplicated) == (first.message_id, True)
    arrival = destination.arrival()
    assert json.loads(arrival.body) == {"a": 1}
    assert arrival.headers["content-type"] == "application/json"


@case("message.enqueue")
def _(stage: Stage) -> None:
    queue = stage.paused_queue()
    destination = stage.sink.destination()
    enqueued = stage.qstash.message.enqueue(queue=queue, url=destination.url, body="in turn")
    assert stage.qstash.message.get(enqueued.message_id).queue == queue
    stage.qstash.queue.resume(queue)
    assert destination.arrival().body == b"in turn"

    name, destinations = stage.url_group()
    sent = stage.qstash.message.enqueue(queue=queue, url_group=name, body="all in turn")
    assert [response.url for response in sent] == [destination.url for destination in destinations]
    assert [destination.arrival().body for destination in destinations] == [b"all in turn"] * 2


@case("message.enqueue_json")
def _(stage: Stage) -> None:
    destination = stage.sink.destination()
    queue = new_name()
    bodies = [{"n": n} for n in range(4)]
    for body in bodies:
        stage.qstash.message.enqueue_json(queue=queue, url=destination.url, body=body)
    until(lambda: len(destination.arrivals) == len(bodies))
    assert [json.loads(arrival.body) for arrival in destination.arrivals] == bodies
    assert stage.qstash.queue.get(queue).parallelism == 1


@case("message.batch")
def _(stage: Stage) -> None:
    destination = stage.sink.destination()
    name, destinations = stage.url_group()
    queue = stage.paused_queue()
    to_url, to_group, to_queue = stage.qstash.message.batch(
        [
            {"url": destination.url, "body": "one", "headers": {"X-Mine": "1"}, "content_type": "text/plain"},
            {"url_group": name, "body": "two", "delay": "1h"},
            {"url": destination.url, "body": "three", "queue": queue},
        ]
    )
    arrival = destination.arrival()
    assert (arrival.body, arrival.headers["x-mine"]) == (b"one", "1")
    assert arrival.headers["upstash-message-id"] == to_url.message_id
    assert [response.url for response in to_group] == [each.url for each in destinations]
    assert stage.qstash.message.get(to_queue.message_id).queue == queue


@case("message.batch_json")
def _(stage: Stage) -> None:
    destination = stage.sink.destination()
    (published,) = stage.qstash.message.batch_json([{"url": destination.url, "body": {"a": 1}, "retries": 0}])
    assert json.loads(destination.arrival().body) == {"a": 1}
    assert stage.qstash.message.get(published.message_id).max_retries == 0


@case("message.get")
def _(stage: Stage) -> None:
    message_id = stage.publish_later(
        headers={"X-Mine": "1"},
        retries=2,
        retry_delay="1000 * retried",
        callback="http://127.0.0.1:9/callback",
        failure_callback="http://127.0.0.1:9/failed",
        label="python",
        flow_control={"key": new_name(), "parallelism": 3, "rate": 4, "period": "1h30m3s"},
    )
    message = stage.qstash.message.get(message_id)
    assert (message.message_id, message.body, message.method, message.max_retries) == (message_id, "later", "POST", 2)
    assert message.headers == {"X-Mine": ["1"]}
    assert message.not_before - message.created_at == 3600_000
    assert message.callback == "http://127.0.0.1:9/callback"
    assert message.failure_callback == "http://127.0.0.1:9/failed"
    assert message.retry_delay_expression == "1000 * retried"
    assert message.label == "python"
    assert message.caller_ip == "127.0.0.1"
    limits = message.flow_control
    assert (limits.parallelism, limits.rate, limits.period) == (3, 4, 5403)


@case("message.cancel")
def _(stage: Stage) -> None:
    message_id = stage.publish_later()
    stage.qstash.message.cancel(message_id)
    logs = stage.qstash.log.list(filter={"message_id": message_id}).logs
    assert logs[0].state == LogState.CANCELED
    expect_missing(lambda: stage.qstash.message.cancel("msg_unknown"))


@case("message.cancel_many")
def _(stage: Stage) -> None:
    message_ids = [stage.publish_later() for _ in range(3)]
    assert stage.qstash.message.cancel_many(message_ids[:2]) == 2
    assert stage.qstash.message.cancel_many(message_ids) == 1


@case("message.cancel_all")
def _(stage: Stage) -> None:
    stage.qstash.message.cancel_all()
    message_ids = [stage.publish_later() for _ in range(3)]
    stage.qstash.message.cancel(message_ids[0])
    assert stage.qstash.message.cancel_all() == 2


# Dead letters


@case("dlq.list")
def _(stage: Stage) -> None:
    label = new_name()
    letters = [stage.dead_letter(label=label) for _ in range(3)]
    filter = {"label": label, "response_status": 500, "caller_ip": "127.0.0.1", "from_time": letters[0].created_at}
    first = stage.qstash.dlq.list(count=2, filter=filter)
    second = stage.qstash.dlq.list(count=2, filter=filter, cursor=first.cursor)
    assert [each.dlq_id for each in first.messages + second.messages] == [each.dlq_id for each in letters]
    assert second.cursor is None
    assert stage.qstash.dlq.list(filter={**filter, "response_status": 404}).messages == []


@case("dlq.get")
def _(stage: Stage) -> None:
    listed = stage.dead_letter(retry_delay="1000", label="python")
    letter = stage.qstash.dlq.get(listed.dlq_id)
    assert letter == listed
    assert (letter.body, letter.response_status, letter.max_retries) == ("dead", 500, 0)
    assert (letter.retry_delay_expression, letter.label) == ("1000", "python")


@case("dlq.delete")
def _(stage: Stage) -> None:
    dlq_id = stage.dead_letter().dlq_id
    stage.qstash.dlq.delete(dlq_id)
    expect_missing(lambda: stage.qstash.dlq.get(dlq_id))
    expect_missing(lambda: stage.qstash.dlq.delete(dlq_id))


@case("dlq.delete_many")
def _(stage: Stage) -> None:
    dlq_ids = [stage.dead_letter().dlq_id for _ in range(2)]
    assert stage.qstash.dlq.delete_many([*dlq_ids, "1725323658779-0"]) == 2
    assert stage.qstash.dlq.delete_many(dlq_ids) == 0


# Logs


@case("log.list")
def _(stage: Stage) -> None:
    destination = stage.sink.destination(500)
    label = new_name()
    message_id = stage.qstash.message.publish(
        url=destination.url, body="log", retries=0, retry_delay="1000", label=label
    ).message_id
    log = stage.qstash.log
    ended = {"message_id": message_id, "state": LogState.FAILED}
    until(lambda: log.list(filter=ended).logs)
    logs = log.list(filter={"label": label, "url": destination.url, "message_ids": [message_id]}).logs
    assert [each.state for each in logs] == [LogState.FAILED, LogState.ERROR, LogState.ACTIVE, LogState.CREATED]
    error = logs[1]
    assert (error.response_status, error.max_retries, error.retry_delay_expression) == (500, 0, "1000")
    first = log.list(count=3, filter={"label": label})
    second = log.list(count=3, filter={"label": label}, cursor=first.cursor)
    assert first.logs + second.logs == logs
    assert second.cursor is None


# Signing keys


@case("signing_key.get")
def _(stage: Stage) -> None:
    keys = stage.qstash.signing_key.get()
    assert keys.current.startswith("sig_") and keys.next.startswith("sig_") and keys.current != keys.next


@case("signing_key.rotate")
def _(stage: Stage) -> None:
    before = stage.qstash.signing_key.get()
    # A second rotation within an hour is refused.
    stage.service.advance("61m")
    rotated = stage.qstash.signing_key.rotate()
    assert rotated.current == before.next
    assert rotated.next not in (before.current, before.next)
    assert stage.qstash.signing_key.get() == rotated


# URL groups


@case("url_group.upsert_endpoints")
def _(stage: Stage) -> None:
    name, (a, b) = stage.url_group()
    c = stage.sink.destination()
    stage.qstash.url_group.upsert_endpoints(name, [{"url": c.url, "name": "endpoint-1"}])
    endpoints = stage.qstash.url_group.get(name).endpoints
    assert [(each.name, each.url) for each in endpoints] == [("endpoint-0", a.url), ("endpoint-1", c.url)]
    stage.qstash.message.publish(url_group=name, body="hello")
    assert [each.arrival().body for each in (a, c)] == [b"hello", b"hello"]
    assert b.arrivals == []


@case("url_group.remove_endpoints")
def _(stage: Stage) -> None:
    name, (a, b) = stage.url_group()
    stage.qstash.url_group.remove_endpoints(name, [{"name": "endpoint-0"}])
    assert [each.url for each in stage.qstash.url_group.get(name).endpoints] == [b.url]
    stage.qstash.url_group.remove_endpoints(name, [{"url": b.url}])
    expect_missing(lambda: stage.qstash.url_group.get(name))


@case("url_group.get")
def _(stage: Stage) -> None:
    name, (a, _) = stage.url_group()
    group = stage.qstash.url_group.get(name)
    assert group.name == name
    assert group.created_at <= group.updated_at
    assert (group.endpoints[0].url, group.endpoints[0].name) == (a.url, "endpoint-0")


@case("url_group.list")
def _(stage: Stage) -> None:
    name, _ = stage.url_group()
    assert stage.qstash.url_group.get(name) in stage.qstash.url_group.list()


@case("url_group.delete")
def _(stage: Stage) -> None:
    name, _ = stage.url_group()
    stage.qstash.url_group.delete(name)
    stage.qstash.url_group.delete(name)
    expect_missing(lambda: stage.qstash.message.publish(url_group=name, body=""))


# Queues


@case("queue.upsert")
def _(stage: Stage) -> None:
    name = new_name()
    stage.qstash.queue.upsert(name, parallelism=2, paused=True)
    created = stage.qstash.queue.get(name)
    assert (created.parallelism, created.paused) == (2, True)
    stage.qstash.queue.upsert(name, parallelism=3)
    changed = stage.qstash.queue.get(name)
    assert (changed.parallelism, changed.paused, changed.created_at) == (3, False, created.created_at)


@case("queue.get")
def _(stage: Stage) -> None:
    name = stage.paused_queue()
    for _ in range(2):
        stage.qstash.message.enqueue(queue=name, url=stage.sink.destination().url)
    queue = stage.qstash.queue.get(name)
    assert (queue.name, queue.parallelism, queue.lag, queue.paused) == (name, 1, 2, True)
    expect_missing(lambda: stage.qstash.queue.get(new_name()))


@case("queue.list")
def _(stage: Stage) -> None:
    name = stage.paused_queue()
    assert stage.qstash.queue.get(name) in stage.qstash.queue.list()


@case("queue.delete")
def _(stage: Stage) -> None:
    name = stage.paused_queue()
    stage.qstash.queue.delete(name)
    stage.qstash.queue.delete(name)
    expect_missing(lambda: stage.qstash.queue.get(name))


@case("queue.pause")
def _(stage: Stage) -> None:
    name = new_name()
    stage.qstash.queue.upsert(name)
    stage.qstash.queue.pause(name)
    destination = stage.sink.destination()
    stage.qstash.message.enqueue(queue=name, url=destination.url)
    stage.service.advance("1m")
    assert (stage.qstash.queue.get(name).lag, destination.arrivals) == (1, [])


@case("queue.resume")
def _(stage: Stage) -> None:
    name = stage.paused_queue()
    destination = stage.sink.destination()
    stage.qstash.message.enqueue(queue=name, url=destination.url, body="hello")
    stage.qstash.queue.resume(name)
    assert destination.arrival().body == b"hello"
    assert stage.qstash.queue.get(name).paused is False


# Schedules


@case("schedule.create")
def _(stage: Stage) -> None:
    schedule_id, destination = stage.schedule(body="tick", headers={"X-Mine": "1"}, retries=1)
    stage.service.advance("61s")
    arrival = destination.arrival()
    assert (arrival.body, arrival.headers["x-mine"]) == (b"tick", "1")
    assert arrival.headers["upstash-schedule-id"] == schedule_id
    stage.qstash.schedule.delete(schedule_id)


@case("schedule.create_json")
def _(stage: Stage) -> None:
    destination = stage.sink.destination()
    own_id = new_name()
    schedule_id = stage.qstash.schedule.create_json(
        destination=destination.url, cron="* * * * *", body={"a": 1}, schedule_id=own_id
    )
    assert schedule_id == own_id
    stage.service.advance("61s")
    arrival = destination.arrival()
    assert json.loads(arrival.body) == {"a": 1}
    assert arrival.headers["content-type"] == "application/json"
    stage.qstash.schedule.delete(schedule_id)


@case("schedule.get")
def _(stage: Stage) -> None:
    destination = stage.sink.destination()
    schedule_id = stage.qstash.schedule.create(
        destination=destination.url,
        cron="0 9 1 1 *",
        body="new year",
        content_type="text/plain",
        method="PUT",
        headers={"X-Mine": "1"},
        retries=4,
        retry_delay="1000",
        delay=10,
        timeout="30s",
        callback=destination.url,
        queue=new_name(),
        flow_control={"key": "python", "parallelism": 3, "rate": 4, "period": "1d"},
        label="python",
    )
    schedule = stage.qstash.schedule.get(schedule_id)
    assert (schedule.destination, schedule.cron, schedule.body) == (destination.url, "0 9 1 1 *", "new year")
    assert (schedule.method, schedule.retries, schedule.retry_delay_expression) == ("PUT", 4, "1000")
    assert schedule.headers == {"Content-Type": ["text/plain"], "X-Mine": ["1"]}
    assert (schedule.delay, schedule.timeout, schedule.callback) == (10, 30, destination.url)
    assert (schedule.label, schedule.caller_ip, schedule.paused) == ("python", "127.0.0.1", False)
    assert schedule.next_schedule_time > schedule.created_at
    limits = schedule.flow_control
    assert (limits.key, limits.parallelism, limits.rate, limits.period) == ("python", 3, 4, 86_400)
    stage.qstash.schedule.delete(schedule_id)


@case("schedule.list")
def _(stage: Stage) -> None:
    schedule_id, _ = stage.schedule()
    assert schedule_id in [each.schedule_id for each in stage.qstash.schedule.list()]
    stage.qstash.schedule.delete(schedule_id)


@case("schedule.delete")
def _(stage: Stage) -> None:
    schedule_id, destination = stage.schedule()
    stage.qstash.schedule.delete(schedule_id)
    expect_missing(lambda: stage.qstash.schedule.get(schedule_id))
    stage.service.advance("2m")
    assert destination.arrivals == []


@case("schedule.pause")
def _(stage: Stage) -> None:
    schedule_id, destination = stage.schedule()
    stage.qstash.schedule.pause(schedule_id)
    assert stage.qstash.schedule.get(schedule_id).paused is True
    stage.service.advance("2m")
    assert destination.arrivals == []
    stage.qstash.schedule.delete(schedule_id)


@case("schedule.resume")
def _(stage: Stage) -> None:
    schedule_id, destination = stage.schedule(body="tick")
    stage.qstash.schedule.pause(schedule_id)
    stage.qstash.schedule.resume(schedule_id)
    assert stage.qstash.schedule.get(schedule_id).paused is False
    stage.service.advance("61s")
    assert destination.arrival().body == b"tick"
    stage.qstash.schedule.delete(schedule_id)


# Flow control


@case("flow_control.get")
def _(stage: Stage) -> None:
    key = stage.flow_control_key()
    info = stage.qstash.flow_control.get(key)
    assert (info.key, info.parallelism_max, info.rate_max, info.rate_period) == (key, 2, 5, 60)
    assert (info.is_paused, info.is_pinned_parallelism, info.is_pinned_rate) == (False, False, False)
    expect_missing(lambda: stage.qstash.flow_control.get(new_name()))


@case("flow_control.get_global_parallelism")
def _(stage: Stage) -> None:
    info = stage.qstash.flow_control.get_global_parallelism()
    assert info.parallelism_max > 0
    assert info.parallelism_count >= 0


@case("flow_control.pause")
def _(stage: Stage) -> None:
    key = stage.flow_control_key()
    stage.qstash.flow_control.pause(key)
    destination = stage.sink.destination()
    stage.qstash.message.publish(url=destination.url, flow_control={"key": key, "parallelism": 2})
    until(lambda: stage.qstash.flow_control.get(key).wait_list_size == 1)
    assert (stage.qstash.flow_control.get(key).is_paused, destination.arrivals) == (True, [])


@case("flow_control.resume")
def _(stage: Stage) -> None:
    key = stage.flow_control_key()
    stage.qstash.flow_control.pause(key)
    destination = stage.sink.destination()
    stage.qstash.message.publish(url=destination.url, body="hello", flow_control={"key": key, "parallelism": 2})
    until(lambda: stage.qstash.flow_control.get(key).wait_list_size == 1)
    stage.qstash.flow_control.resume(key)
    assert destination.arrival().body == b"hello"
    assert stage.qstash.flow_control.get(key).is_paused is False


@case("flow_control.pin")
def _(stage: Stage) -> None:
    key = stage.flow_control_key()
    stage.qstash.flow_control.pin(key, {"parallelism": 3, "rate": 20, "period": 120})
    stage.publish_later(flow_control={"key": key, "parallelism": 9, "rate": 9, "period": 9})
    info = stage.qstash.flow_control.get(key)
    assert (info.parallelism_max, info.rate_max, info.rate_period) == (3, 20, 120)
    assert (info.is_pinned_parallelism, info.is_pinned_rate) == (True, True)


@case("flow_control.unpin")
def _(stage: Stage) -> None:
    key = stage.flow_control_key()
    stage.qstash.flow_control.pin(key, {"parallelism": 3, "rate": 20, "period": 120})
    stage.qstash.flow_control.unpin(key, {"parallelism": True})
    info = stage.qstash.flow_control.get(key)
    assert (info.is_pinned_parallelism, info.is_pinned_rate) == (False, True)
    assert (info.parallelism_max, info.rate_max) == (3, 20)
    stage.publish_later(flow_control={"key": key, "parallelism": 9, "rate": 9})
    changed = stage.qstash.flow_control.get(key)
    assert (changed.parallelism_max, changed.rate_max) == (9, 20)


@case("flow_control.reset_rate")
def _(stage: Stage) -> None:
    key = stage.flow_control_key()
    destination = stage.sink.destination()
    limits = {"key": key, "rate": 1, "period": "1h"}
    first = stage.qstash.message.publish(url=destination.url, body="first", flow_control=limits)
    assert destination.arrival().headers["upstash-message-id"] == first.message_id
    stage.qstash.message.publish(url=destination.url, body="second", flow_control=limits)
    until(lambda: stage.qstash.flow_control.get(key).wait_list_size == 1)
    assert stage.qstash.flow_control.get(key).rate_count == 1
    stage.qstash.flow_control.reset_rate(key)
    until(lambda: len(destination.arrivals) == 2)
    assert destination.arrivals[1].body == b"second"
