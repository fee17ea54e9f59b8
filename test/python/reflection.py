"""The methods of the installed client, and clients that note which of them are called."""

import asyncio
import inspect
from typing import Any, Union

from qstash import AsyncQStash, QStash, Receiver

# How the client talks to the service: no part of what it can be asked for.
TRANSPORT = "http"


def methods_of(client: Union[QStash, AsyncQStash]) -> set[str]:
    """Names such as `message.publish`."""
    return {
        f"{group}.{name}"
        for group, api in vars(client).items()
        if group != TRANSPORT
        for name, _ in inspect.getmembers(api, callable)
        if not name.startswith("_")
    }


SYNC_METHODS = methods_of(QStash("token"))
ASYNC_METHODS = methods_of(AsyncQStash("token"))
RECEIVER_METHODS = {name for name, _ in inspect.getmembers(Receiver, callable) if not name.startswith("_")}


class Noting:
    """A client whose calls are noted in `called`, and complete when they return, also those of the asynchronous one."""

    def __init__(self, client: Union[QStash, AsyncQStash]) -> None:
        self._client = client
        self._loop = asyncio.new_event_loop()
        self.called: set[str] = set()

    def __getattr__(self, group: str) -> "Group":
        return Group(self, group, getattr(self._client, group))

    def complete(self, result: Any) -> Any:
        return self._loop.run_until_complete(result) if inspect.isawaitable(result) else result

    def close(self) -> None:
        self._loop.close()


class Group:
    """One of the client's APIs, such as `message`."""

    def __init__(self, noting: Noting, name: str, api: object) -> None:
        self._noting = noting
        self._name = name
        self._api = api

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._api, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            self._noting.called.add(f"{self._name}.{name}")
            return self._noting.complete(method(*args, **kwargs))

        return call
