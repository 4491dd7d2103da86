"""A time stamp authority of our own: OpenSSL behind a small HTTP server on this machine."""

import asyncio
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

OPENSSL = shutil.which("openssl")
_CONFIG = """
[ req ]
distinguished_name = dn
prompt = no
[ dn ]
CN = Test
[ ca ]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign
[ tsa ]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,timeStamping
[ answer ]
serial = ./serial
signer_cert = ./tsa.pem
signer_key = ./tsa.key
default_policy = 1.2.3.4.1
digests = sha256
signer_digest = sha256
ess_cert_id_alg = sha256
"""
_KEY = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
_SET_UP = (
    f"req -x509 {_KEY} -keyout ca.key -out ca.pem -days 30 -subj /CN=Root -config tsa.cnf -extensions ca",
    f"req {_KEY} -keyout tsa.key -out tsa.csr -subj /CN=TSA -config tsa.cnf",
    "x509 -req -in tsa.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out tsa.pem -days 30 -extfile tsa.cnf -extensions tsa",
)


class TestAuthority:
    """`root` is its certificate. `spoil` changes each answer; `status` is what HTTP says; `asked` counts."""

    __test__ = False

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.status = "200 OK"
        self.spoil: Callable[[bytes], bytes] = bytes
        self.asked = 0
        folder.mkdir()
        (folder / "tsa.cnf").write_text(_CONFIG)
        (folder / "serial").write_text("01\n")
        for line in _SET_UP:
            self._openssl(*line.split())

    @property
    def root(self) -> bytes:
        return (self.folder / "ca.pem").read_bytes()

    def answer(self, question: bytes) -> bytes:
        (self.folder / "question").write_bytes(question)
        asking = "ts -reply -config tsa.cnf -section answer -queryfile question -out token"
        self._openssl(*asking.split())
        return self.spoil((self.folder / "token").read_bytes())

    def _openssl(self, *arguments: str) -> None:
        assert OPENSSL is not None
        subprocess.run([OPENSSL, *arguments], cwd=self.folder, check=True, capture_output=True, timeout=20)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            int(line.split(b":")[1])
            for line in head.lower().splitlines()
            if line.startswith(b"content-length")
        )
        self.asked += 1
        content = await asyncio.to_thread(self.answer, await reader.readexactly(length))
        more = "Location: http://127.0.0.1:1/\r\n" if self.status.startswith("3") else ""
        writer.write(
            f"HTTP/1.1 {self.status}\r\nContent-Length: {len(content)}\r\n{more}Connection: close\r\n\r\n".encode()
        )
        writer.write(content)
        await writer.drain()
        writer.close()


@asynccontextmanager
async def an_authority(folder: Path) -> AsyncIterator[tuple[TestAuthority, str]]:
    """It, and its URL."""
    authority = await asyncio.to_thread(TestAuthority, folder)
    server = await asyncio.start_server(authority._serve, "127.0.0.1", 0)
    async with server:
        yield authority, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/tsa"
