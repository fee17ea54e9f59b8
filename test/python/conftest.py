from typing import Iterator

import pytest
from local_mode import LocalMode, Sink
from qstash import AsyncQStash, QStash
from reflection import Noting


@pytest.fixture(scope="session")
def service() -> Iterator[LocalMode]:
    service = LocalMode()
    yield service
    service.close()


@pytest.fixture(scope="session")
def sink() -> Iterator[Sink]:
    sink = Sink()
    yield sink
    sink.close()


@pytest.fixture(params=[QStash, AsyncQStash], ids=["sync", "async"])
def qstash(request: pytest.FixtureRequest, service: LocalMode) -> Iterator[Noting]:
    """The client, unmodified; a refused connection is an error and no reason to wait."""
    noting = Noting(request.param(service.token, base_url=service.url, retry=False))
    yield noting
    noting.close()
