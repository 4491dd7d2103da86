"""The way to the server over real connections."""

import socketserver
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from ingest.cameras.server_line import ServerAddress, ServerLine

SHA = "ab" * 32


@dataclass
class Server:
    """Takes what is put; after each answer it closes, like a web server whose time for idle connections is over."""

    answers: bool = True
    connections: int = 0
    taken: list[bytes] = field(default_factory=list)
    port: int = 0


@pytest.fixture
def server() -> Iterator[Server]:
    kept = Server()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            kept.connections += 1
            if not kept.answers:
                return
            size = 0
            while (line := self.rfile.readline()) not in (b"\r\n", b""):
                if line.lower().startswith(b"content-length:"):
                    size = int(line.split(b":")[1])
            kept.taken.append(self.rfile.read(size))
            self.wfile.write(b"HTTP/1.1 204 No Content\r\n\r\n")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as listening:
        kept.port = listening.server_address[1]
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield kept
        listening.shutdown()
        thread.join()


def test_a_connection_that_the_server_closed_while_it_was_idle_is_replaced_quietly(server: Server) -> None:
    line = ServerLine(ServerAddress(f"http://127.0.0.1:{server.port}", "t"))
    pieces = [[b"first"], [bytes(300_000), bytes(300_000)], [b"third"]]
    for chunks in pieces:
        line.put_evidence(SHA, chunks, sum(map(len, chunks)))
    line.close()
    assert server.taken == [b"".join(chunks) for chunks in pieces]
    assert server.connections == 3


def test_a_server_that_answers_nobody_is_asked_once(server: Server) -> None:
    server.answers = False
    line = ServerLine(ServerAddress(f"http://127.0.0.1:{server.port}", "t"))
    with pytest.raises(ConnectionError):
        line.put_evidence(SHA, [b"x"], 1)
    assert server.connections == 1
