import asyncio
import shutil
import ssl
import subprocess
import time
from pathlib import Path

import httpx
import pytest

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
