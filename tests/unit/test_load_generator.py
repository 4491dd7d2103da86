"""The load of the sensor benchmark is what monitors say: whole MQTT packets, decoded as the intake does."""

from datetime import UTC, datetime, timedelta

import pytest

from benchmarks.load_generator import NORMAL, OVER, Plan, packets
from farwatch.domain.reading import ReadingKind
from ingest.payloads import decode

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def parsed(packet: bytes) -> tuple[str, int, bytes]:
    """Topic, packet id and payload of a PUBLISH with QoS 1; nothing before and nothing after."""
    assert packet[0] == 0x32
    length, at = 0, 1
    while True:
        length |= (packet[at] & 127) << 7 * (at - 1)
        at += 1
        if packet[at - 1] < 128:
            break
    assert length == len(packet) - at
    size = int.from_bytes(packet[at : at + 2])
    topic = packet[at + 2 : at + 2 + size].decode()
    at += 2 + size
    return topic, int.from_bytes(packet[at : at + 2]), packet[at + 2 :]


@pytest.mark.parametrize("values", [1, 10, 200])
def test_each_packet_is_a_message_of_its_station_and_time(values: int) -> None:
    plan = Plan(count=6, stations=3, values=values, start=NOW, step_s=0.25)
    for i, (packet, over) in enumerate(packets(plan)):
        topic, packet_id, payload = parsed(packet)
        said = decode(topic, payload, NOW).measurements[0]
        assert (said.mn, said.kind, said.ts) == (
            f"MN{i % 3 + 1}",
            ReadingKind.RTD,
            NOW + timedelta(seconds=0.25 * (i // 3)),
        )
        assert packet_id == i + 1
        assert over is None
        assert list(said.values) == [f"a{k}" for k in range(values)]
        assert all(NORMAL <= v < OVER / 2 for v in said.values.values())


def test_a_station_is_over_its_limit_once() -> None:
    plan = Plan(count=1000, stations=10, values=1, start=NOW, step_s=1, over_every=7)
    over = [(parsed(packet)[2], mn) for packet, mn in packets(plan) if mn]
    assert sorted(mn for _, mn in over) == sorted(f"MN{n}" for n in range(1, 11))
    assert all(b'"a0": 80.0' in payload for payload, _ in over)


def test_packet_ids_go_round_without_zero() -> None:
    plan = Plan(count=65_537, stations=1, values=1, start=NOW, step_s=0.001)
    ids = [parsed(packet)[1] for packet, _ in packets(plan)]
    assert ids[-3:] == [65_535, 1, 2]
