"""Clips without decoding."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from farwatch.domain.finding import Finding, Kind, Reason, Tier
from farwatch.domain.place import Position
from farwatch.storage.blobs import BlobStore
from farwatch.storage.evidence import EvidenceKind, evidence_id
from ingest.cameras.clips import KeptClip, keep
from ingest.cameras.footage import Footage, of_one_stream
from ingest.cameras.muxing import cut, decoding_times
from ingest.cameras.recording import begin
from ingest.cameras.ring import Ring, frame_bytes
from ingest.rtsp.frames import Codec, CodedFrame, StreamDescription
from tests.support.cameras import AT, RATE, coded, frame

needs_ffprobe = pytest.mark.skipif(shutil.which("ffprobe") is None, reason="ffprobe is not installed")
STREAM = StreamDescription(codec=Codec.H264, parameter_sets=b"", clock_rate=RATE)


def footage(*frames: CodedFrame, codec: Codec = Codec.H264, onset_s: float = 0) -> Footage:
    return Footage(
        frames=frames, description=replace(STREAM, codec=codec), onset_at=AT + timedelta(seconds=onset_s)
    )


def probe(path: Path) -> dict:
    said = subprocess.run(
        ["ffprobe", "-v", "error", "-count_frames", "-show_streams", "-show_entries", "packet=pts_time,dts_time,flags",
            "-of", "json", path],
        capture_output=True, check=True, timeout=60,
    )  # fmt: skip
    assert said.stderr == b""
    return json.loads(said.stdout)


ENCODINGS = {
    "no B-frames": {},
    "B-frames": {"b_frames": 2},
    "B-pyramid": {"b_frames": 5, "more": ":b-pyramid=normal"},
    "several slices": {"more": ":slices=4"},
    "H.265": {"codec": Codec.H265},
    "H.265 with a B-pyramid": {"codec": Codec.H265, "b_frames": 4, "more": ":b-pyramid=1"},
    "MJPEG": {"codec": Codec.MJPEG},
}


@needs_ffprobe
@pytest.mark.parametrize("encoding", ENCODINGS.values(), ids=ENCODINGS)
def test_a_clip_plays_from_a_key_frame_with_the_times_of_the_camera(tmp_path: Path, encoding: dict) -> None:
    path, codec = tmp_path / "clip.mp4", encoding.get("codec", Codec.H264)
    assert cut(footage(*coded(50, **encoding), codec=codec), path) == (320, 240)
    said = probe(path)
    stream = said["streams"][0]
    tag = {Codec.H264: "avc1", Codec.H265: "hvc1", Codec.MJPEG: "mp4v"}[codec]
    assert (stream["codec_tag_string"], stream["width"], stream["height"]) == (tag, 320, 240)
    assert int(stream["nb_read_frames"]) == 50
    assert float(stream["duration"]) == pytest.approx(5.0, abs=0.15)
    assert said["packets"][0]["flags"].startswith("K")
    assert sorted(float(p["pts_time"]) for p in said["packets"]) == pytest.approx([i / 10 for i in range(50)])
    decoding = [float(p["dts_time"]) for p in said["packets"]]
    assert all(b > a for a, b in pairwise(decoding))
    head = path.read_bytes()
    assert head.index(b"moov") < head.index(b"mdat")


def test_an_h265_clip_has_its_parameter_sets_in_the_index_alone(tmp_path: Path) -> None:
    """What the name hvc1 promises, and what players want that do not look into the stream."""
    cut(footage(*coded(30, codec=Codec.H265), codec=Codec.H265), tmp_path / "clip.mp4")
    index, _, media = (tmp_path / "clip.mp4").read_bytes().partition(b"mdat")
    arrays = index[index.index(b"hvcC") + 4 :][22:]
    assert arrays[0] == 3
    assert arrays[1] == 0x80 | 32, "complete, VPS first"
    assert {media[i + 4] >> 1 & 0x3F for i in samples_of(tmp_path / "clip.mp4", media)} & {
        32,
        33,
        34,
    } == set()


def samples_of(path: Path, media: bytes) -> Iterator[int]:
    """Where the NAL units of all samples begin (at their four bytes of length)."""
    at = 0
    with av.open(str(path)) as container:
        total = sum(packet.size for packet in container.demux(video=0))
    while at + 4 < total:
        yield at
        at += 4 + int.from_bytes(media[at : at + 4], "big")


OPEN_GROUPS = {
    "H.264": {"b_frames": 3, "key_every": 12, "more": ":open-gop=1"},
    "H.265": {"codec": Codec.H265, "b_frames": 3, "more": ":open-gop=1"},
}


@pytest.mark.parametrize("encoding", OPEN_GROUPS.values(), ids=OPEN_GROUPS)
def test_a_clip_from_an_open_group_begins_without_the_pictures_that_refer_to_what_was_before(
    tmp_path: Path, encoding: dict
) -> None:
    frames = coded(60, **encoding)
    second = next(i for i, f in enumerate(frames) if f.is_key and i)
    leading = [f for f in frames[second:] if f.rtp_time < frames[second].rtp_time]
    assert leading, "the encoder gave no open group"
    whole = of_one_stream(footage(*frames[second:], codec=encoding.get("codec", Codec.H264)))
    assert not set(leading) & set(whole.frames)
    assert (len(whole.frames), whole.short) == (60 - second - len(leading), None)
    cut(whole, tmp_path / "clip.mp4")
    with av.open(str(tmp_path / "clip.mp4")) as container:
        pictures = [picture.pts for picture in container.decode(video=0)]
    assert len(pictures) == len(whole.frames)
    assert pictures[0] == 0


def test_a_clip_that_begins_with_intra_refresh_shows_pictures_once_one_is_whole(tmp_path: Path) -> None:
    frames = coded(60, key_every=20, more=":intra-refresh=1")
    begin = next(i for i, f in enumerate(frames) if f.is_key and i)
    refreshing = [replace(f, recovery_frames=20 if f.is_key else 0) for f in frames[begin:]]
    assert cut(footage(*refreshing), tmp_path / "clip.mp4") == (320, 240)
    with av.open(str(tmp_path / "clip.mp4")) as container:
        assert sum(1 for _ in container.decode(video=0)) >= 20


@pytest.mark.parametrize("codec", [Codec.H264, Codec.H265])
@pytest.mark.parametrize(("onset_s", "began", "frames"), [(2.0, 0, 30), (4.5, 30, 20)])
def test_parameter_sets_that_change_in_mid_clip_cut_it_there_and_the_onset_stays(
    codec: Codec, onset_s: float, began: int, frames: int
) -> None:
    """The same size of picture, told otherwise: with B-frames from the thirtieth picture on."""
    before, after = coded(30, codec=codec), coded(50, codec=codec, b_frames=2)
    key = next(i for i, f in enumerate(after) if i >= 30 and f.is_key)
    both = (*before, *after[key:])
    stretch = of_one_stream(footage(*both, codec=codec, onset_s=onset_s))
    assert (stretch.began_at, len(stretch.frames)) == (
        both[began].received_at,
        frames if began == 0 else 50 - key,
    )
    assert stretch.short == "stream_changed"


def test_parameter_sets_that_come_again_or_not_at_all_change_nothing() -> None:
    frames = coded(30)
    bare = tuple(f if i == 0 or not f.is_key else without_sets(f) for i, f in enumerate(frames))
    for same in (frames, bare):
        stretch = of_one_stream(footage(*same))
        assert (tuple(stretch.frames), stretch.short) == (same, None)


def without_sets(frame: CodedFrame) -> CodedFrame:
    return replace(frame, packets=tuple(p for p in frame.packets if p[0] & 0x1F not in (7, 8, 24)))


@needs_ffprobe
def test_a_pause_of_the_camera_stays_a_pause_in_the_clip(tmp_path: Path) -> None:
    frames = [f for i, f in enumerate(coded(50)) if not 20 <= i < 30]
    cut(footage(*frames), tmp_path / "clip.mp4")
    times = [float(p["pts_time"]) for p in probe(tmp_path / "clip.mp4")["packets"]]
    assert times[19:21] == pytest.approx([1.9, 3.0])


def test_a_frame_that_makes_no_sense_is_left_out(tmp_path: Path) -> None:
    frames = [*coded(20)[:15], frame(15, damaged=True), *coded(20)[16:]]
    cut(footage(*frames), tmp_path / "clip.mp4")
    with av.open(str(tmp_path / "clip.mp4")) as container:
        assert sum(packet.size > 0 for packet in container.demux(video=0)) == 19


def test_the_same_frames_give_the_same_bytes(tmp_path: Path) -> None:
    blobs = BlobStore(tmp_path)
    first, second = (keep(footage(*coded(20)), blobs) for _ in range(2))
    assert first == second
    assert isinstance(first, KeptClip)
    assert blobs.verify(first.sha256)
    assert blobs.path(first.sha256).stat().st_size == first.size_bytes


@pytest.mark.parametrize("codec", Codec)
def test_a_clip_tells_what_it_is_and_by_which_clock(tmp_path: Path, codec: Codec) -> None:
    frames = [replace(f, captured_at=f.received_at - timedelta(seconds=1.25)) for f in coded(30, codec=codec)]
    kept = keep(footage(*frames, codec=codec), BlobStore(tmp_path))
    assert isinstance(kept, KeptClip)
    assert kept.needs_copy is (codec is not Codec.H264)
    assert kept.meta == {
        "codec": codec.value, "width": 320, "height": 240, "duration_s": 2.9, "frames": 30,
        "key_distance_s": 0.1 if codec is Codec.MJPEG else 1.0, "cut_short": None, "time_source": "rtcp",
        "camera_clock_at": (AT - timedelta(seconds=1.25)).isoformat(), "clock_offset_s": 1.25,
    }  # fmt: skip


def test_what_cannot_be_played_or_kept_is_no_clip_but_a_reason(tmp_path: Path) -> None:
    assert keep(footage(frame(0, key=True)), BlobStore(tmp_path / "a")) == "not_playable"
    (tmp_path / "b").write_text("a file where the folder should be")
    assert keep(footage(*coded(20)), BlobStore(tmp_path / "b")) == "store_failed"
    assert keep(footage(*coded(20)), BlobStore(tmp_path / "c", floor_bytes=1 << 62)) == "disk_full"
    assert [p for p in (tmp_path / "a").rglob("*") if p.is_file()] == []


@given(st.lists(st.integers(0, 5000), min_size=1, max_size=60), st.integers(0, 4))
def test_decoding_times_grow_and_are_never_after_showing(steps: list[int], depth: int) -> None:
    times, total = [], 0
    for step in steps:
        total += step + 1
        times.append(total)
    shown = times[:]
    for i in range(0, len(shown) - depth, depth + 1):
        shown[i : i + depth + 1] = [shown[i + depth], *shown[i : i + depth]]
    decoded = decoding_times(shown)
    assert len(decoded) == len(shown)
    assert all(b > a for a, b in pairwise(decoded))
    assert all(d <= s for d, s in zip(decoded, shown, strict=True))


def ring_of(seconds: int) -> Ring:
    ring = Ring(clock_rate=RATE)
    for i in range(seconds * 10):
        ring.append(frame(i, key=i % 10 == 0))
    return ring


def recording(ring: Ring, onset_s: float, found_s: float):
    finding = Finding(
        rule="smoke", kind=Kind.SMOKE, tier=Tier.VIOLATION, place=Position(30, 120), severity=2, camera="c1",
        onset_at=AT + timedelta(seconds=onset_s), reason=Reason("smoke_seen"),
    )  # fmt: skip
    clip_id = evidence_id(finding.id, EvidenceKind.CLIP)
    return begin(ring, STREAM, clip_id=clip_id, finding=finding, found_at=AT + timedelta(seconds=found_s))


def test_a_recording_goes_from_ten_seconds_before_the_onset_to_twenty_after() -> None:
    made = recording(ring_of(20), onset_s=15.5, found_s=19.9)
    assert made.frames[0].rtp_time == 5 * RATE
    for i in range(200, 355):
        assert not made.is_done
        made.add(frame(i, key=i % 10 == 0))
    made.add(frame(355))
    assert made.is_done
    made.add(frame(356))
    assert made.footage is not None
    assert made.footage.duration_s == pytest.approx(30.5)


def test_a_recording_of_an_old_onset_is_done_with_what_the_ring_has() -> None:
    made = recording(ring_of(60), onset_s=20, found_s=59.9)
    assert made.is_done
    assert made.short is None
    assert made.footage is not None
    assert made.footage.duration_s >= 19.9


def test_a_recording_ends_with_the_event_or_with_the_camera() -> None:
    made = recording(ring_of(20), onset_s=15, found_s=19)
    made.stop()
    made.add(frame(200))
    assert (made.is_done, made.short, made.frames[-1].rtp_time) == (True, None, round(19.9 * RATE))
    lost = recording(Ring(clock_rate=RATE), onset_s=15, found_s=19)
    lost.stop("camera_lost")
    assert (lost.footage, lost.short) == (None, "camera_lost")


@pytest.mark.parametrize("step_s", [-600, 600])
def test_a_clock_that_is_set_makes_no_clip_longer_or_shorter(step_s: float) -> None:
    made = recording(ring_of(20), onset_s=15.5, found_s=19.9)
    for i in range(200, 1000):
        arrived = frame(i, key=i % 10 == 0)
        made.add(replace(arrived, received_at=arrived.received_at + timedelta(seconds=step_s)))
    assert made.is_done
    assert made.footage is not None
    assert made.footage.duration_s == pytest.approx(30.5, abs=0.2)


def test_what_is_found_right_after_the_clock_was_set_back_is_filmed() -> None:
    ring = ring_of(20)
    for i in range(200, 230):
        arrived = frame(i, key=i % 10 == 0)
        ring.append(replace(arrived, received_at=arrived.received_at - timedelta(minutes=10)))
    made = recording(ring, onset_s=22 - 600, found_s=22.9 - 600)
    for i in range(230, 1000):
        arrived = frame(i, key=i % 10 == 0)
        made.add(replace(arrived, received_at=arrived.received_at - timedelta(minutes=10)))
    assert made.footage is not None
    assert made.footage.frames[-1].rtp_time == 42 * RATE


def test_what_is_found_where_nothing_can_begin_is_filmed_from_the_next_key_frame_on() -> None:
    ring = Ring(clock_rate=RATE, max_bytes=10 * frame_bytes(frame(0)))
    for i in range(20):
        ring.append(frame(i, key=i == 0))
    made = recording(ring, onset_s=1.5, found_s=1.9)
    for i in range(20, 60):
        made.add(frame(i, key=i % 30 == 0))
    assert made.footage is not None
    assert made.footage.frames[0].rtp_time == 3 * RATE
