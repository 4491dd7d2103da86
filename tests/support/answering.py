"""A real HTTP server that is told things: keeps what came, and answers each path as its name says."""

import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Receiver:
    """`/200`, `/429`, … answer that status, `/429?S` with Retry-After S; `/hang` never answers; `/gone` redirects; `/robot?CODE`
    answers 200 with that code in its body."""

    port: int = 0
    got: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    end: threading.Event = field(default_factory=threading.Event)

    def url(self, path: str, scheme: str = "webhook+http") -> str:
        return f"{scheme}://127.0.0.1:{self.port}{path}"

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, _, body in self.got]


def _handler(receiver: Receiver) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            path, _, query = self.path.strip("/").partition("?")
            receiver.got.append((self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            if path == "hang":
                receiver.end.wait(60)
                return
            code = int(query.partition("&")[0] or 0) if path == "robot" else 0
            answer = json.dumps({"errcode": code, "code": code}).encode()
            self.send_response({"gone": 307, "robot": 200}.get(path) or int(path))
            if path == "gone":
                self.send_header("Location", "/200")
            elif path != "robot" and query:
                self.send_header("Retry-After", query)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            pass

    return Handler


@contextmanager
def receiving() -> Iterator[Receiver]:
    receiver = Receiver()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _handler(receiver)) as server:
        server.daemon_threads = True
        receiver.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield receiver
        finally:
            receiver.end.set()
            server.shutdown()
            thread.join()
