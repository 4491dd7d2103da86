"""Clips without decoding."""

import json
import shutil
import subprocess
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farwatch.domain.finding import Finding, Kind, Reason, Tier
from farwatch.domain.place import Position
from farwatch.storage.blobs import BlobStore
from farwatch.storage.evidence import EvidenceKind, evidence_id
from ingest.cameras.clips import Footage, KeptClip, cut, decoding_times, keep
from ingest.cameras.recording import begin
from ingest.cameras.ring import Ring
from ingest.rtsp.frames import Codec, StreamDescription
from tests.support.cameras import AT, RATE, coded, frame

needs_ffprobe = pytest.mark.skipif(shutil.which("ffprobe") is None, reason="ffprobe is not installed")
STREAM = StreamDescription(codec=Codec.H264, parameter_sets=b"", clock_rate=RATE)


def footage(*frames: object) -> Footage:
    return Footage(frames=frames, description=STREAM)


def probe(path: Path) -> dict:
    said = subprocess.run(
        ["ffprobe", "-v", "error", "-count_frames", "-show_streams", "-show_entries", "packet=pts_time,flags", "-of", "json", path],
        capture_output=True, check=True, timeout=60,
    )  # fmt: skip
    assert said.stderr == b""
    return json.loads(said.stdout)


@needs_ffprobe
@pytest.mark.parametrize("b_frames", [0, 2])
def test_a_clip_plays_from_a_key_frame_with_the_times_of_the_camera(tmp_path: Path, b_frames: int) -> None:
    path = tmp_path / "clip.mp4"
    cut(footage(*coded(50, b_frames=b_frames)), path)
    said = probe(path)
    stream = said["streams"][0]
    assert (stream["codec_tag_string"], stream["width"], stream["height"]) == ("avc1", 320, 240)
    assert int(stream["nb_read_frames"]) == 50
    assert float(stream["duration"]) == pytest.approx(5.0, abs=0.15)
    assert said["packets"][0]["flags"].startswith("K")
    assert sorted(float(p["pts_time"]) for p in said["packets"]) == pytest.approx([i / 10 for i in range(50)])
    head = path.read_bytes()
    assert head.index(b"moov") < head.index(b"mdat")


@needs_ffprobe
def test_a_pause_of_the_camera_stays_a_pause_in_the_clip(tmp_path: Path) -> None:
    frames = [f for i, f in enumerate(coded(50)) if not 20 <= i < 30]
    cut(footage(*frames), tmp_path / "clip.mp4")
    times = [float(p["pts_time"]) for p in probe(tmp_path / "clip.mp4")["packets"]]
    assert times[19:21] == pytest.approx([1.9, 3.0])


def test_the_same_frames_give_the_same_bytes(tmp_path: Path) -> None:
    blobs = BlobStore(tmp_path)
    kept = {keep(footage(*coded(20)), blobs) for _ in range(2)}
    assert len(kept) == 1
    clip = kept.pop()
    assert isinstance(clip, KeptClip)
    assert blobs.verify(clip.sha256)
    assert blobs.path(clip.sha256).stat().st_size == clip.size_bytes


def test_what_cannot_be_played_or_kept_is_no_clip_but_a_reason(tmp_path: Path) -> None:
    assert keep(footage(frame(0, key=True)), BlobStore(tmp_path / "a")) == "not_playable"
    (tmp_path / "b").write_text("a file where the folder should be")
    assert keep(footage(*coded(20)), BlobStore(tmp_path / "b")) == "store_failed"
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
