"""What real tracking apps send, and what is made of it."""

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest

from server.web.osmand import Fix, UnreadableError, read_message

AT = datetime(2026, 11, 22, 8, 30, 0, tzinfo=UTC)
FORM, JSON = "application/x-www-form-urlencoded", "application/json"
COORDS = {
    "latitude": 31.2,
    "longitude": 121.4,
    "accuracy": 4.3,
    "speed": 2.5,
    "heading": 158.4,
    "altitude": 10,
}


def by_query(**fields: object) -> tuple[str, str, bytes]:
    return urlencode({"id": "tok", "lat": 31.2, "lon": 121.4} | fields), "", b""


def by_form(**fields: object) -> tuple[str, str, bytes]:
    return "", FORM, by_query(**fields)[0].encode()


def by_json(location: Any, **more: object) -> tuple[str, str, bytes]:
    return "", JSON, json.dumps({"location": location, "device_id": "tok"} | more).encode()


def only(message: tuple[str, str, bytes]) -> Fix:
    read = read_message(*message)
    assert read.token == "tok"
    (fix,) = read.fixes
    return fix


CLIENTS = {
    "Traccar Client 7: query, seconds, knots": by_query(
        timestamp=1795336200, speed=4.859614, bearing=26.2, altitude=4, accuracy=4.3, batt=88.0
    ),
    "milliseconds": by_query(timestamp=1795336200000, speed=4.859614, accuracy=4.3),
    "a tracker's own text of UTC": by_query(timestamp="2026-11-22 08:30:00.000", speed=4.859614, accuracy=4.3),
    "ISO 8601 with a zone": by_query(timestamp="2026-11-22T16:30:00+08:00", speed=4.859614, accuracy=4.3),
    "Traccar Client 10: form": by_form(timestamp=1795336200, speed=4.859614, accuracy=4.3),
    "Traccar Client 9: JSON, m/s, a draft with another id": by_json(
        {
            "timestamp": "2026-11-22T08:30:00.000Z", "coords": COORDS, "is_moving": True, "odometer": 0, "extras": {},
            "battery": {"level": 0.88, "is_charging": False}, "activity": {"type": "still"}, "_": "&id=71881261&lat=1&lon=1&",
        }
    ),
    "a list of one": by_json([{"timestamp": "2026-11-22T08:30:00Z", "coords": COORDS}]),
}  # fmt: skip


@pytest.mark.parametrize("client", CLIENTS)
def test_every_client_says_the_same(client: str) -> None:
    fix = only(CLIENTS[client])
    assert (fix.place.lat, fix.place.lon, fix.place.accuracy_m, fix.at, fix.valid) == (
        31.2,
        121.4,
        4.3,
        AT,
        True,
    )
    assert fix.speed_m_s == pytest.approx(2.5, abs=1e-5)


def test_the_names_that_others_use_are_known_too() -> None:
    query = urlencode({"deviceid": "tok", "location": "31.2,121.4"})
    fix = only((query, "", b""))
    assert (fix.place.lat, fix.place.lon, fix.at, fix.speed_m_s) == (31.2, 121.4, None, None)


@pytest.mark.parametrize("fields", [{"valid": "0"}, {"valid": "false"}, {"lat": 0, "lon": 0}])
def test_a_phone_without_a_fix_is_no_position(fields: dict[str, object]) -> None:
    assert not only(by_query(**fields)).valid


def test_what_it_does_not_know_it_does_not_claim() -> None:
    fix = only(by_json({"coords": {"latitude": 1, "longitude": 2, "accuracy": -1, "speed": -1}}))
    assert (fix.place.accuracy_m, fix.speed_m_s, fix.at) == (None, None, None)


@pytest.mark.parametrize(
    "message",
    [
        by_query(lat=91),
        by_query(lon="181"),
        by_query(lat="nan"),
        by_query(lon="inf"),
        by_query(lat="abc"),
        by_query(timestamp="yesterday"),
        by_query(timestamp="1e300"),
        (urlencode({"lat": 1, "lon": 2}), "", b""),
        ("", FORM, b""),
        ("", FORM, b"\xff\xfe"),
        ("", JSON, b"{"),
        ("", JSON, b"[]"),
        ("", JSON, b'{"device_id": "tok"}'),
        by_json({"timestamp": "2026-11-22T08:30:00Z"}),
        by_json([1]),
        by_json({"coords": COORDS}, device_id=7),
    ],
)
def test_what_is_not_of_the_protocol_is_said_to_be_unreadable(message: tuple[str, str, bytes]) -> None:
    with pytest.raises(UnreadableError):
        read_message(*message)
