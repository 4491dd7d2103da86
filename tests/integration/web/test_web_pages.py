import asyncio
import socket

import pytest

from server.web.serving import PortBusyError, TlsFilesError, serve
from tests.support.web_house import House, served


async def test_the_front_door_leads_each_role_home(house: House) -> None:
    homes = {None: "/signin", "chen": "/centre", "bo": "/centre", "ada": "/centre", "wang": "/officer"}
    for who, target in homes.items():
        async with house.client(who) as client:
            answer = await client.get("/")
        assert (answer.status_code, answer.headers["location"]) == (303, target)


async def test_every_page_is_the_one_page_never_kept_and_asks_nobody_else(house: House) -> None:
    house.build_console()
    async with house.client() as client:
        answers = [
            await client.get(p)
            for p in ("/signin", "/centre", "/centre/tasks/7", "/officer", "/officer/tasks/7")
        ]

    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
        assert policy.startswith("default-src 'self'; img-src 'self' blob: data:;")
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "geolocation=(self)" in answer.headers["permissions-policy"]


@pytest.mark.parametrize(
    ("path", "accept", "is_page"),
    [
        ("/nothing", "text/html,application/xhtml+xml", True),
        ("/centres", "text/html", True),
        ("/assets/old.js", "*/*", False),
        ("/nothing", "application/json", False),
        ("/api", "text/html", False),
        ("/api/v1/nothing", "text/html", False),
        ("/api/nothing", "text/html,*/*", False),
    ],
)
async def test_a_browser_at_an_address_that_is_none_gets_the_page_and_programs_the_error(
    house: House, path: str, accept: str, is_page: bool
) -> None:
    house.build_console()
    async with house.client() as client:
        answer = await client.get(path, headers={"Accept": accept})
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/html" if is_page else "application/json")
    assert is_page or answer.json()["error"]["key"] == "not_found"
    assert not is_page or "default-src 'self'" in answer.headers["content-security-policy"]


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


async def test_text_goes_out_small_to_who_takes_it_so_and_is_the_same_text(house: House) -> None:
    house.build_console()
    script = "export const words = 'the same again';\n" * 200
    (house.dist / "assets" / "app-1a2b3c.js").write_text(script)
    async with house.client() as client:
        small = await client.get("/assets/app-1a2b3c.js", headers={"Accept-Encoding": "br, gzip"})
        again = await client.get("/assets/app-1a2b3c.js", headers={"If-None-Match": small.headers["etag"]})
        plain = [
            await client.get("/assets/app-1a2b3c.js", headers={"Accept-Encoding": refused})
            for refused in ("identity", "br, gzip; q=0")
        ]

    assert small.headers["content-encoding"] == "gzip"
    assert int(small.headers["content-length"]) < len(script) / 10
    assert {small.text, *(p.text for p in plain)} == {script}
    assert all("content-encoding" not in p.headers for p in plain)
    assert small.headers["etag"] not in {p.headers["etag"] for p in plain}
    assert small.headers["content-type"] == plain[0].headers["content-type"]
    assert again.status_code == 304


OUTSIDE = (
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
    "/" + "long" * 1000,
)


async def test_nothing_outside_the_build_is_served(house: House) -> None:
    """Over a real connection: a client library would tidy these paths up."""
    house.build_console()
    (house.dist.parent / "secret.txt").write_text("secret")
    (house.dist / "link.txt").symlink_to(house.dist.parent / "secret.txt")
    async with served(house.app) as url:
        host, port = url.removeprefix("http://").split(":")
        for path in OUTSIDE:
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
            answer = (await reader.read()).decode()
            writer.close()
            await writer.wait_closed()
            assert answer.startswith("HTTP/1.1 404"), path
            assert '{"error":{"key":"not_found","params":{}}}' in answer, path


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
