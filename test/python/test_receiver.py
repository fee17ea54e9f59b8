"""The receiver's checks of real deliveries, before and after the keys are rotated."""

from dataclasses import replace
from typing import Any

import pytest
from local_mode import Arrival, LocalMode, Sink
from qstash import QStash, Receiver
from qstash.errors import SignatureError
from qstash.signing_key import SigningKey
from reflection import RECEIVER_METHODS


OTHER = SigningKey(f"sig_{'x' * 28}", f"sig_{'y' * 28}")


def receiver_of(keys: SigningKey) -> Receiver:
    return Receiver(keys.current, keys.next)


def signed(arrival: Arrival, url: str) -> dict[str, Any]:
    return {"signature": arrival.headers["upstash-signature"], "body": arrival.body.decode(), "url": url}


def test_there_is_nothing_else_to_verify_with() -> None:
    assert RECEIVER_METHODS == {"verify"}


@pytest.mark.parametrize("body", ["text", "", '{"a": "\u00e4\u20ac"}'])
def test_a_delivery_verifies_with_the_current_key(service: LocalMode, sink: Sink, body: str) -> None:
    qstash = QStash(service.token, base_url=service.url, retry=False)
    destination = sink.destination()
    qstash.message.publish(url=destination.url, body=body)
    request = signed(destination.arrival(), destination.url)
    keys = qstash.signing_key.get()
    receiver_of(keys).verify(**request)
    receiver_of(replace(OTHER, next=keys.current)).verify(**request)
    for forged in (
        {**request, "body": f"{body} "},
        {**request, "url": f"{destination.url}/"},
        {**request, "signature": request["signature"][:-4] + "AAAA"},
    ):
        with pytest.raises(SignatureError):
            receiver_of(keys).verify(**forged)
    with pytest.raises(SignatureError):
        receiver_of(OTHER).verify(**request)


def test_a_delivery_after_a_rotation_verifies_with_the_next_key_of_before(service: LocalMode, sink: Sink) -> None:
    qstash = QStash(service.token, base_url=service.url, retry=False)
    before = qstash.signing_key.get()
    # A second rotation within an hour is refused.
    service.advance("61m")
    after = qstash.signing_key.rotate()
    destination = sink.destination()
    qstash.message.publish(url=destination.url, body="text")
    request = signed(destination.arrival(), destination.url)
    receiver_of(before).verify(**request)
    receiver_of(after).verify(**request)
    with pytest.raises(SignatureError):
        receiver_of(replace(before, next=OTHER.next)).verify(**request)
