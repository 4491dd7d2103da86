"""Pictures so large that a few of them fill a worker's memory."""

import io
from dataclasses import replace
from pathlib import Path

import av
import pytest
from av.bitstream import BitStreamFilterContext

from ingest.cameras import decoding
from ingest.cameras.attention import Batch
from ingest.cameras.decoding import DECODE_ERRORS, DECODERS, Decoders, FrameDecoder
from ingest.cameras.footage import Footage
from ingest.cameras.muxing import CLIP_ERRORS, cut
from ingest.rtsp.frames import Codec, CodedFrame, access_unit
from tests.support.cameras import AT, H264, coded

WIDE = 640


@pytest.fixture(autouse=True)
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """In these tests a picture of more than 320 x 240 is too large."""
    monkeypatch.setattr(decoding, "MOST_PIXELS", 320 * 240)


def alone(frame: CodedFrame) -> Batch:
    return Batch(frames=(frame,), restart=True, alone=True, skipped=0)


def cropped(codec: Codec) -> CodedFrame:
    """A picture of WIDE columns of which 64 x 48 pixels are to be shown."""
    (frame,) = coded(1, width=WIDE, codec=codec)
    crop = f"{DECODERS[codec]}_metadata=crop_right={WIDE - 64}:crop_bottom={WIDE * 3 // 4 - 48}"
    unit = access_unit(frame, replace(H264, codec=codec))
    with av.open(io.BytesIO(unit), format=DECODERS[codec]) as container:
        bits = BitStreamFilterContext(crop, container.streams.video[0])
        packets = [bytes(p) for packet in container.demux() if packet.size for p in bits.filter(packet)]
    return replace(frame, packets=(b"".join(packets),), whole=True)


@pytest.mark.parametrize("codec", list(Codec))
def test_what_is_too_large_is_not_decoded_and_what_is_not_is(codec: Codec) -> None:
    description = replace(H264, codec=codec)
    (fits,), (wide,) = coded(1, codec=codec), coded(1, width=WIDE, codec=codec)
    assert len(list(FrameDecoder(codec).decode(alone(fits), description))) == 1
    with pytest.raises(DECODE_ERRORS):
        list(FrameDecoder(codec).decode(alone(wide), description))


@pytest.mark.parametrize("codec", list(Codec))
def test_a_decoder_itself_refuses_what_no_parameter_set_told(
    codec: Codec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoding, "coded_pixels", lambda *_: 0)
    with pytest.raises(av.FFmpegError):
        list(
            FrameDecoder(codec).decode(
                alone(coded(1, width=WIDE, codec=codec)[0]), replace(H264, codec=codec)
            )
        )


@pytest.mark.parametrize("codec", [Codec.H264, Codec.H265])
def test_what_is_cropped_away_counts(codec: Codec, monkeypatch: pytest.MonkeyPatch) -> None:
    decoder, batch, description = FrameDecoder(codec), alone(cropped(codec)), replace(H264, codec=codec)
    with pytest.raises(ValueError, match="too large"):
        list(decoder.decode(batch, description))
    assert decoder.pixels == 0
    monkeypatch.setattr(decoding, "coded_pixels", lambda *_: 0)
    with pytest.raises(ValueError, match="larger than"):
        list(decoder.decode(batch, description))


def test_no_clip_is_cut_whose_first_picture_is_too_large(tmp_path: Path) -> None:
    frame = cropped(Codec.H264)
    with pytest.raises(CLIP_ERRORS, match="too large"):
        cut(Footage(frames=(frame,), description=H264, onset_at=AT), tmp_path / "clip.mp4")


def test_a_decoder_that_holds_much_serves_one_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "MOST_KEPT_PIXELS", 320 * 240 - 1)
    decoders, used = Decoders(), set()
    for width in (320, 320, 160, 160):
        with decoders.lend(H264) as decoder:
            list(decoder.decode(alone(coded(1, width=width)[0]), H264))
            used.add(decoder)
    assert len(used) == 3


def test_decoders_are_kept_for_few_sizes() -> None:
    decoders = Decoders()
    kinds = [replace(H264, width=width) for width in range(decoding.MOST_SIZES)]
    kept = set()
    for kind in kinds * 2:
        with decoders.lend(kind) as decoder:
            kept.add(decoder)
    assert len(kept) == decoding.MOST_SIZES
    with decoders.lend(replace(H264, width=1000)):
        pass
    with decoders.lend(kinds[0]) as decoder:
        assert decoder not in kept
