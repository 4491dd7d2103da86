"""Somebody's webhook on this machine: hears what it is sent, counts by key, and never forgets."""

import json
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SECRET = "whsec_ZmFyd2F0Y2ggdGVzdHMgb25seSAx"


class Receiver:
    """On a free port of 127.0.0.1 until `close`. `keys`: how often each notice was heard, a digest's notices one by one."""

    def __init__(self) -> None:
        self.keys: Counter[str] = Counter()
        self.bodies: dict[str, set[str]] = {}
        self._lock = threading.Lock()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver._hear(json.loads(body))
                self.send_response(204)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"webhook+http://127.0.0.1:{self._server.server_port}/hear"

    @property
    def repeats(self) -> int:
        """How many were heard once more than needed: a kill between sending and noting it."""
        with self._lock:
            return sum(self.keys.values()) - len(self.keys)

    def heard(self) -> set[str]:
        with self._lock:
            return set(self.keys)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def _hear(self, event: dict[str, Any]) -> None:
        data = event["data"]
        with self._lock:
            for notice in data.get("notices", [data]):
                key = notice["key"]
                self.keys[key] += 1
                self.bodies.setdefault(key, set()).add(json.dumps(notice, sort_keys=True))
