"""The field's and the standard's frames that lie beside a checkout: their stated verdicts, and readings as a second decoder,
written only for this test, finds them with patterns on the line."""

import re
from pathlib import Path

import pytest

from ingest.hj212.framer import Framer, one
from ingest.hj212.packet import Packet, parse
from ingest.hj212.readings import Said, Sample, readings_of

FOLDER = Path(__file__).parents[4] / "shared" / "hj212"
pytestmark = pytest.mark.skipif(not FOLDER.exists(), reason="the frames are not beside this checkout")

KINDS = {"2011": "rtd", "2021": "rtd", "2051": "min", "2061": "hour", "2031": "day", "2041": "day"}


def field_frames() -> list[tuple[str, str]]:
    if not FOLDER.exists():
        return []
    rows = (FOLDER / "field_frames.tsv").read_text().splitlines()[1:]
    return [(verdict.lower(), line) for verdict, line in (row.split("\t") for row in rows)]


def standard_frames() -> list[tuple[str, str]]:
    if not FOLDER.exists():
        return []
    rows = (FOLDER / "standard_examples.txt").read_text().splitlines()
    return [("pass", row) for row in rows if row.startswith("##")]


FRAMES = field_frames() + standard_frames()


def by_pattern(line: str) -> dict[str, tuple[str, float, str]]:
    """code -> (kind, value, flag), the first of each: nothing but regular expressions over the text."""
    cn = re.search(r"(?:^|[;,\d])CN=(\d{4})", line)
    if cn is None or cn[1] not in KINDS or "DataTime=" not in line:
        return {}
    flags = dict(reversed(re.findall(r"(\w+)-Flag=(\w+)", line)))
    found: dict[str, tuple[str, float, str]] = {}
    for code, field, value in re.findall(
        r"(\w+)-(td|Rtd|Avg|Data|DayData|NightData|RS|RT)\s*=\s*([-\d.]+)", line
    ):
        name = code + {"DayData": "_day", "NightData": "_night"}.get(field, "")
        found.setdefault(name, (KINDS[cn[1]], float(value), flags.get(code, "N")))
    return found


def by_codec(segment: bytes) -> dict[str, tuple[str, float, str]]:
    packet = parse(segment)
    assert isinstance(packet, Packet)
    sample = readings_of(packet)
    if not isinstance(sample, Sample):
        assert sample is None
        return {}
    return {s.code: (str(sample.kind), s.value, s.flag) for s in sample.channels}


@pytest.mark.parametrize(("verdict", "line"), FRAMES)
def test_every_frame_gets_its_stated_verdict_and_the_readings_of_the_second_decoder(
    verdict: str, line: str
) -> None:
    frame = one(line.encode())
    assert frame.verdict == verdict
    if frame.segment:
        assert by_codec(frame.segment) == by_pattern(line)


def test_glued_together_without_line_ends_none_is_lost() -> None:
    good = [line.encode() for verdict, line in FRAMES if verdict in ("pass", "modbus", "modswap")]
    got = [f.raw for f in Framer().feed(b"".join(good))]
    assert got == good


def test_as_a_stream_with_the_broken_ones_between_none_is_lost() -> None:
    framer = Framer()
    sent = "\r\n".join(line for _, line in FRAMES).encode()
    got = [f for n in range(0, len(sent), 700) for f in framer.feed(sent[n : n + 700])] + framer.finish()
    assert [str(f.verdict) for f in got] == [verdict for verdict, _ in FRAMES]


@pytest.mark.parametrize(
    ("beginning", "code", "said"),
    [
        ("QN=20241130114316059", "w00000", Said("w00000", 66.09, "N", None, 392.51, 403.98, 237.91)),
        ("QN=20210722140000509", "a24088", Said("a24088", 0.0196, "N", None, 0.0, 0.1988, 0.0003)),
        ("QN=20180303110906001", "a34013", Said("a34013", 0.0, "D", 0.0)),
        ("ST=32;CN=2011;PW=000000", "B01", Said("B01", 36.91)),
    ],
)
def test_some_readings_compared_with_the_eye(beginning: str, code: str, said: Said) -> None:
    line = next(line for _, line in FRAMES if beginning in line)
    packet = parse(one(line.encode()).segment)
    assert isinstance(packet, Packet)
    sample = readings_of(packet)
    assert isinstance(sample, Sample)
    assert next(s for s in sample.channels if s.code == code) == said
