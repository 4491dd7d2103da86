"""What is remembered of how stations speak, and what is counted of what was asked for."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from farwatch.domain.device import Command, DeviceCommand, Way
from ingest.hj212.packet import Packet
from ingest.loggers.heard import Heard

AT = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
PACKET = Packet(mn="MN1", cn="2061", st="32", pw="121212", flag=4, content=(("DataTime", "20260302110000"),))
FETCH = DeviceCommand(
    id=1,
    mn="MN1",
    command=Command.FETCH_HOURS,
    parameters={"BeginTime": "20260302100000", "EndTime": "20260302120000"},
    asked_by="amy",
    asked_at=AT,
)


def heard(packet: Packet, at: datetime = AT, way: Way = Way.TCP, into: Heard | None = None) -> Heard:
    into = into or Heard()
    into.note(packet, "pass", way, "127.0.0.1", at)
    return into


def test_an_answer_bears_the_system_type_of_the_exchange_and_not_the_stations() -> None:
    known = heard(PACKET)
    heard(replace(PACKET, cn="9011", st="91"), into=known)
    assert (known.links["MN1"].system, known.links["MN1"].dialect, known.password("MN1")) == (
        "32",
        2017,
        "121212",
    )
    assert heard(replace(PACKET, st="91")).links["MN1"].system == ""


def test_a_link_is_written_when_something_changed_and_else_once_a_minute() -> None:
    known = heard(PACKET)
    known.adopt(known.unwritten())
    heard(PACKET, AT + timedelta(seconds=60), into=known)
    assert known.unwritten() == []
    heard(PACKET, AT + timedelta(seconds=61), into=known)
    assert len(known.unwritten()) == 1
    known.adopt(known.unwritten())
    heard(replace(PACKET, flag=0), AT + timedelta(seconds=62), into=known)
    assert len(known.unwritten()) == 1


def test_the_broker_is_a_way_to_whoever_was_heard_there_lately() -> None:
    known = heard(PACKET, way=Way.MQTT)
    assert known.listens_to_broker("MN1", AT + timedelta(minutes=14))
    assert not known.listens_to_broker("MN1", AT + timedelta(minutes=15))
    assert not heard(PACKET).listens_to_broker("MN1", AT)
    started_anew = Heard()
    started_anew.adopt(known.unwritten())
    assert not started_anew.listens_to_broker("MN1", AT)


def test_only_packets_of_the_asked_period_are_counted_and_each_question_begins_anew() -> None:
    known = Heard()
    assert known.expect(FETCH).packets == 0
    for hour in (9, 10, 12, 13):
        content = (("DataTime", f"20260302{hour:02}0000"),)
        heard(replace(PACKET, content=content), AT + timedelta(seconds=hour), into=known)
        heard(replace(PACKET, cn="2051", content=content), into=known)
    assert (known.expect(FETCH).packets, known.expect(FETCH).last_at) == (2, AT + timedelta(seconds=12))
    later = replace(FETCH, id=2, parameters={**FETCH.parameters, "EndTime": "20260302130000"})
    assert known.expect(later).packets == 0
