"""Local mode, as a developer starts it, and what messages are sent to."""

import json
import os
import re
import shlex
import signal
import subprocess
import threading
import time
import urllib.request
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Callable, Optional, TypeVar

ROOT = Path(__file__).parents[2]
T = TypeVar("T")


def until(look: Callable[[], Optional[T]], seconds: float = 60) -> T:
    """What `look` gives once that is something; looks every few milliseconds."""
    end = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < end, f"nothing after {seconds} s"
        time.sleep(0.02)
    return found


class LocalMode:
    """`npm start` on a free port, with its data in memory."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            ["npm", "start", "--silent", "--", "--port", "0"],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._output = ""
        threading.Thread(target=self._read, daemon=True).start()
        until(lambda: "QSTASH_NEXT_SIGNING_KEY=" in self._output or self._process.poll() is not None)
        self.url = self._exported("QSTASH_URL")
        self.token = self._exported("QSTASH_TOKEN")

    def _read(self) -> None:
        for line in self._process.stdout:
            self._output += line

    def _exported(self, name: str) -> str:
        found = re.search(rf"^export {name}=(.*)$", self._output, re.MULTILINE)
        assert found, f"local mode did not start: {self._output}"
        return shlex.split(found[1])[0]

    def request(self, method: str, path: str, body: object) -> object:
        """The answer to what the client has no method for."""
        request = urllib.request.Request(
            self.url + path,
            method=method,
            data=json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request) as response:
            return json.load(response)

    def advance(self, duration: str) -> None:
        """Moves service time on, event by event."""
        self.request("POST", "/local/clock", {"advance": duration})

    def close(self) -> None:
        os.killpg(self._process.pid, signal.SIGTERM)
        self._process.wait()


@dataclass
class Arrival:
    """A request that reached the sink."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Destination:
    """A path of the sink, and the requests to it so far."""

    url: str
    status: int
    arrivals: list[Arrival] = field(default_factory=list)

    def arrival(self) -> Arrival:
        """The first request, once it is there."""
        return until(lambda: self.arrivals and self.arrivals[0])


class Sink:
    """An HTTP server on loopback that keeps what it was sent."""

    def __init__(self) -> None:
        self._destinations: dict[str, Destination] = {}
        sink = self

        class Handler(BaseHTTPRequestHandler):
            def handle_any(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                destination = sink._destinations[self.path]
                headers = {name.lower(): value for name, value in self.headers.items()}
                destination.arrivals.append(Arrival(self.command, self.path, headers, body))
                self.send_response(destination.status)
                self.end_headers()

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def destination(self, status: int = 200) -> Destination:
        """A path that nobody else uses, which answers with `status`."""
        path = f"/destination-{len(self._destinations) + 1}"
        port = self._server.server_address[1]
        self._destinations[path] = Destination(f"http://127.0.0.1:{port}{path}", status)
        return self._destinations[path]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
