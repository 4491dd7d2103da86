import contextlib
from typing import Any

import pytest

from server.web import peer
from server.web.errors import ApiError
from server.web.guard import refused
from server.web.settings import WebSettings
from server.web.shapes import cursor, position_of

PLAIN, PROXIED, TLS = WebSettings(), WebSettings(proxied=True), WebSettings(tls=True)


def scope(method: str = "POST", path: str = "/api/v1/session", **headers: str) -> dict[str, Any]:
    sent = {"host": "far.watch:8080", "content-type": "application/json"} | {
        k.replace("_", "-"): v for k, v in headers.items()
    }
    raw = [(k.encode(), v.encode()) for k, v in sent.items()]
    return {
        "type": "http",
        "method": method,
        "path": path,
        "scheme": "http",
        "client": ("10.0.0.1", 1),
        "headers": raw,
    }


@pytest.mark.parametrize(
    ("settings", "headers", "key"),
    [
        (PLAIN, {}, None),
        (PLAIN, {"origin": "http://far.watch:8080"}, None),
        (PLAIN, {"origin": "HTTP://FAR.WATCH:8080"}, None),
        (PLAIN, {"origin": "http://far.watch"}, "other_origin"),
        (PLAIN, {"origin": "https://far.watch:8080"}, "other_origin"),
        (PLAIN, {"origin": "https://far.watch:8080", "x_forwarded_proto": "https"}, "other_origin"),
        (PROXIED, {"origin": "https://far.watch:8080", "x_forwarded_proto": "https"}, None),
        (PROXIED, {"origin": "https://far.watch:8080", "x_forwarded_proto": "https, http"}, "other_origin"),
        (TLS, {"origin": "https://far.watch:8080"}, None),
        (PLAIN, {"origin": "http://far.watch:8080.evil.test"}, "other_origin"),
        (PLAIN, {"sec_fetch_site": "same-site"}, "other_origin"),
        (PLAIN, {"content_type": ""}, "unsupported_media_type"),
        (PLAIN, {"content_type": "multipart/form-data"}, "unsupported_media_type"),
        (PLAIN, {"content_type": "image/jpeg"}, "unsupported_media_type"),
        (PLAIN, {"content_length": "-1"}, "too_large"),
        (PLAIN, {"content_length": "65537"}, "too_large"),
    ],
)
def test_a_write_is_let_through_from_its_own_origin_only(
    settings: WebSettings, headers: dict[str, str], key: str | None
) -> None:
    refusal = refused(scope(**headers), settings)
    assert (refusal.key if refusal else None) == key


def test_a_photo_may_be_larger_and_must_be_a_picture() -> None:
    path = "/api/v1/tasks/7/photos"
    assert refused(scope(path=path, content_type="image/webp", content_length="15728640"), PLAIN) is None
    for headers in (
        {"content_type": "image/webp", "content_length": "15728641"},
        {"content_type": "image/svg+xml"},
        {},
    ):
        assert refused(scope(path=path, **headers), PLAIN) is not None


@pytest.mark.parametrize(
    ("path", "content_type", "length", "key"),
    [
        ("/api/v1/worker/evidence/ab", "application/octet-stream", 256 << 20, None),
        ("/api/v1/worker/evidence/ab", "application/octet-stream", (256 << 20) + 1, "too_large"),
        ("/api/v1/worker/evidence/ab", "video/mp4", 9, "unsupported_media_type"),
        ("/api/v1/worker/live/c1", "image/jpeg", 512 << 10, None),
        ("/api/v1/worker/live/c1", "image/jpeg", (512 << 10) + 1, "too_large"),
        ("/api/v1/worker/live/c1", "application/json", 9, "unsupported_media_type"),
        ("/api/v1/worker", "application/octet-stream", 9, "unsupported_media_type"),
    ],
)
def test_workers_send_clips_and_stills_and_nothing_else(
    path: str, content_type: str, length: int, key: str | None
) -> None:
    refusal = refused(scope("PUT", path, content_type=content_type, content_length=str(length)), PLAIN)
    assert (refusal.key if refusal else None) == key


def test_reading_is_free_and_signing_out_needs_no_body() -> None:
    assert refused(scope("GET", origin="http://evil.test", content_type=""), PLAIN) is None
    assert refused(scope("DELETE", content_type=""), PLAIN) is None
    assert refused(scope("DELETE", origin="http://evil.test"), PLAIN) is not None


def test_forwarded_addresses_are_believed_behind_our_proxy_only_and_the_last_one_only() -> None:
    forged = scope(x_forwarded_for="127.0.0.1, 192.0.2.7")
    assert peer.address(forged, PLAIN) == "10.0.0.1"
    assert peer.address(forged, PROXIED) == "192.0.2.7"
    assert peer.address(scope(), PROXIED) == "10.0.0.1"
    assert peer.address(scope() | {"client": None}, PLAIN) == "unknown"


@pytest.mark.parametrize("position", [0, 17, "2026-11-22T04:00:00+00:00"])
def test_a_cursor_comes_back_as_it_was_made(position: str | int) -> None:
    assert position_of(cursor(position)) == str(position)


@pytest.mark.parametrize("text", ["x", "é", "////", "=", "\x00"])
def test_a_cursor_that_we_did_not_make_is_refused_by_name_or_read_as_text(text: str) -> None:
    with contextlib.suppress(ApiError):
        assert isinstance(position_of(text), str)
