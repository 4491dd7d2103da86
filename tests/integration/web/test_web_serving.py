import asyncio
import shutil
import ssl
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from server.web import connection
from server.web.serving import serve
from tests.support.web_house import PASSWORD, House, listening, served


async def test_open_streams_do_not_hold_up_the_end(house: House) -> None:
    async with served(house.app) as url, listening(url, await house.token("chen")) as stream:
        began = time.monotonic()
        house.app.state.web.hub.close()
        with pytest.raises(StopAsyncIteration):  # no word of farewell: the client is to come back
            await stream.next(2)
    assert time.monotonic() - began < 4


async def test_a_server_that_was_stopped_leaves_its_port_free(house: House) -> None:
    async with served(house.app) as url:
        port = int(url.rsplit(":", 1)[1])
    stop, ready = asyncio.Event(), asyncio.get_running_loop().create_future()
    stop.set()
    await serve(
        House(house.pool, house.deps.data_dir).app, "127.0.0.1", port, None, None, stop, ready.set_result
    )
    assert ready.result() == f"http://127.0.0.1:{port}"


async def test_a_fault_in_the_hub_ends_the_server_loudly(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(house.app.state.web.hub, "run", broken)
    with pytest.raises(ExceptionGroup) as raised:
        await serve(house.app, "127.0.0.1", 0, None, None, asyncio.Event(), lambda _: None)
    assert raised.group_contains(ZeroDivisionError)


async def test_a_connection_that_asks_for_nothing_is_ended_and_one_that_waits_for_an_answer_is_not(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "HEAD_WITHIN_S", 0.4)
    monkeypatch.setattr(connection, "BODY_WITHIN_S", 0.8)
    sign_in = b"POST /api/v1/session HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{"
    whole = b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n"
    async with served(house.app) as url, listening(url, await house.token("chen")) as stream:
        for before, head in ((b"", b""), (b"", whole[:9]), (whole, whole[:9]), (b"", sign_in)):
            reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rsplit(":", 1)[1]))
            async with asyncio.timeout(3):
                if before:
                    writer.write(before)
                    assert b"200 OK" in await reader.readuntil(b'alive"}')
                writer.write(head)
                with suppress(ConnectionResetError):
                    assert await reader.read() == b""
                writer.close()
                with suppress(ConnectionResetError):
                    await writer.wait_closed()
        await house.logged("task_opened")
        assert (await stream.next())[1] == "task_opened"


async def test_under_tls_the_cookie_is_secure_and_browsers_are_told_to_stay(
    house: House, tmp_path: Path
) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not on this machine: no certificate to serve with")
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
            "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cert]  # fmt: skip
    subprocess.run(made, check=True, capture_output=True)
    house.use(tls=True)
    stop, ready = asyncio.Event(), asyncio.get_running_loop().create_future()
    async with asyncio.TaskGroup() as group:
        group.create_task(serve(house.app, "127.0.0.1", 0, cert, key, stop, ready.set_result))
        url = await asyncio.wait_for(ready, 10)
        async with httpx.AsyncClient(base_url=url, verify=ssl.create_default_context(cafile=cert)) as client:
            signed_in = await client.post(
                "/api/v1/session", json={"name": "chen", "password": PASSWORD}, headers={"Origin": url}
            )
        stop.set()

    assert url.startswith("https://127.0.0.1:")
    assert signed_in.status_code == 200
    assert "Secure" in signed_in.headers["set-cookie"]
    assert "max-age" in signed_in.headers["strict-transport-security"]
