"""A batch sorted: who is known, by which secrets, and what is answered."""

from datetime import UTC, datetime, timedelta

import pytest

from farwatch.domain.device import StationSecret
from farwatch.domain.place import Position
from farwatch.domain.registry import Registry, Station
from ingest.delivery import Delivery
from ingest.hj212.encode import encode
from ingest.sorting import Batch, City, sort

NOW = datetime(2026, 11, 22, 0, 1, tzinfo=UTC)


def city(credential: str = "") -> City:
    station = Station(
        mn="MN1", enterprise="E1", name="", place=Position(30, 120), medium="air", credential=credential
    )
    return City(
        registry=Registry(stations={"MN1": station}),
        channels={("MN1", "a21026"): 1},
        secrets={"stack": StationSecret(password="123456")},
    )


def frame(pw: str = "123456") -> Delivery:
    content = "DataTime=20261122080000;a21026-Rtd=31.2,a21026-Flag=N"
    raw = encode(mn="MN1", cn="2011", st="31", pw=pw, qn="20261122080030000", flag=5, content=content)
    return Delivery("hj212/MN1/up", raw, 1, 1, 1)


def sorted_by(known: City, *deliveries: Delivery) -> Batch:
    return sort(known, deliveries, NOW, {})


@pytest.mark.parametrize(
    ("credential", "pw", "reasons"),
    [
        ("", "anything", []),
        ("stack", "123456", []),
        ("stack", "654321", ["wrong_password"]),
        ("lost", "123456", ["no_secret"]),
    ],
)
def test_a_frame_is_read_with_its_stations_secret_or_not_at_all(
    credential: str, pw: str, reasons: list[str]
) -> None:
    batch = sorted_by(city(credential), frame(pw))
    assert [letter.reason for letter in batch.letters] == reasons
    assert len(batch.readings) == (not reasons)
    assert (batch.answers[0] is None) is bool(reasons)


def test_each_delivery_has_its_answer_in_its_place() -> None:
    own = Delivery(
        "farwatch/v1/MN1/rtd", b'{"ts":"2026-11-22T00:00:30Z","values":{"a21026":1,"new":2}}', 1, 1, 1
    )
    stranger = Delivery("hj212/MN2/up", frame().payload, 1, 1, 1)
    batch = sorted_by(city(), own, frame(), stranger, own)
    assert [answer is not None for answer in batch.answers] == [False, True, False, False]
    assert [letter.reason for letter in batch.letters] == ["unknown_station"]
    assert batch.heard == {("MN1", "new")}
    assert batch.clocks == [("MN1", NOW - timedelta(seconds=s)) for s in (30, 30, 30)]


def test_what_a_frame_says_of_an_absurd_time_is_set_aside_and_answered_all_the_same() -> None:
    batch = sort(city(), [frame()], NOW + timedelta(days=500), {})
    assert [letter.reason for letter in batch.letters] == ["time_too_old"]
    assert batch.answers[0] is not None


def test_the_first_year_is_too_old_also_for_a_station_whose_clock_is_ahead() -> None:
    first = Delivery("farwatch/v1/MN1/rtd", b'{"ts":"0001-01-01T00:00:00Z","values":{"a21026":1}}', 1, 1, 1)
    for behind in (timedelta(minutes=-50), timedelta(minutes=50)):
        batch = sort(city(), [first], NOW, {"MN1": behind})
        assert [letter.reason for letter in batch.letters] == ["time_too_old"]


def test_stations_that_nobody_registered_share_one_sources_quota() -> None:
    """Whoever may publish makes up as many as he likes."""
    batch = sorted_by(city(), *(Delivery(f"hj212/X{n}/up", b"x", 1, 1, 1) for n in range(5)))
    assert {letter.source for letter in batch.letters} == {"unknown"}
    assert {letter.topic for letter in batch.letters} == {f"hj212/X{n}/up" for n in range(5)}
