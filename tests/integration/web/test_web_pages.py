import asyncio
import socket

import pytest

from server.web.serving import PortBusyError, TlsFilesError, serve
from tests.support.web_house import House, served


@pytest.mark.parametrize(
    ("who", "target"),
    [(None, "/signin"), ("chen", "/centre"), ("bo", "/centre"), ("ada", "/centre"), ("wang", "/officer")],
)
async def test_the_front_door_leads_each_role_home(house: House, who: str | None, target: str) -> None:
    async with house.client(who) as client:
        answer = await client.get("/")
    assert (answer.status_code, answer.headers["location"]) == (303, target)


@pytest.mark.parametrize("path", ["/signin", "/centre", "/centre/tasks/7", "/officer", "/officer/tasks/7"])
async def test_every_page_is_the_one_page_never_kept_and_asks_nobody_else(house: House, path: str) -> None:
    house.build_console()
    async with house.client() as client:
        answer = await client.get(path)

    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-security-policy"].startswith(
        "default-src 'self'; img-src 'self' blob: data:;"
    )
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "geolocation=(self)" in answer.headers["permissions-policy"]


async def test_without_a_build_the_page_says_what_to_run(house: House) -> None:
    async with house.client() as client:
        answer = await client.get("/centre")
    assert answer.status_code == 503
    assert "make console" in answer.text


async def test_files_named_by_their_content_are_kept_for_ever_and_others_asked_for_again(
    house: House,
) -> None:
    house.build_console()
    async with house.client() as client:
        asset, icon = await client.get("/assets/app-1a2b3c.js"), await client.get("/favicon.svg")
        again = await client.get("/favicon.svg", headers={"If-None-Match": icon.headers["etag"]})

    assert "immutable" in asset.headers["cache-control"]
    assert asset.headers["content-type"].startswith(("text/javascript", "application/javascript"))
    assert icon.headers["cache-control"] == "no-cache"
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
        "/assets/..%2f..%2fsecret.txt",
        "/assets/%2e%2e/%2e%2e/secret.txt",
        "/%2fetc/passwd",
        "//etc/passwd",
        "/link.txt",
        "/..%5csecret.txt",
        "/index.html%00.js",
        "/assets",
        "/api/v1/nothing",
        "/api/index.html",
        "/nothing.js",
    ],
)
async def test_nothing_outside_the_build_is_served(house: House, path: str) -> None:
    house.build_console()
    (house.dist.parent / "secret.txt").write_text("secret")
    (house.dist / "link.txt").symlink_to(house.dist.parent / "secret.txt")
    async with served(house.app) as url:
        host, port = url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        answer = (await reader.read()).decode()
        writer.close()
        await writer.wait_closed()

    assert answer.startswith("HTTP/1.1 404")
    assert '{"error":{"key":"not_found","params":{}}}' in answer


async def test_a_busy_port_is_one_clear_error(house: House) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortBusyError, match=f"127.0.0.1:{port} is in use"):
            await serve(house.app, "127.0.0.1", port, None, None, asyncio.Event(), lambda _: None)


async def test_an_unusable_certificate_is_one_clear_error(house: House, tmp_path) -> None:
    (tmp_path / "cert.pem").write_text("not a certificate")
    with pytest.raises(TlsFilesError, match="cannot be used"):
        await serve(
            house.app,
            "127.0.0.1",
            0,
            tmp_path / "cert.pem",
            tmp_path / "cert.pem",
            asyncio.Event(),
            lambda _: None,
        )
