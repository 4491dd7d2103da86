"""What encoders make, through packets and readers, decodes to the pictures that were drawn: each codec, odd settings too."""

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import av
import numpy as np
import numpy.typing as npt
import pytest

from ingest.cameras.decoding import DECODERS
from ingest.rtsp.errors import Problem, RtspError
from ingest.rtsp.frames import NAL_FORMATS, Codec, CodedFrame, StreamDescription, access_unit, from_key_on
from ingest.rtsp.session import RtspReader
from simulators.encoding import encode_pictures, packetise
from simulators.rtsp_server import RtspServer
from tests.integration.rtsp_places import CLOCK, drawn_pictures, read_frames, serving
from tests.unit.rtsp.streams import STREAMS, assembler, feed
from tests.unit.rtsp.wires import TICKS_PER_FRAME, packet

GROUP = "keyint=20:min-keyint=20:scenecut=0:b-adapt=0:log-level=none"
H265_QUIET = "pools=none:frame-threads=1:repeat-headers=1"
COUNT = 60
Grey = npt.NDArray[np.uint8]
_GLOBAL_HEADER = 1 << 22


def coded(codec: Codec, settings: str, *, sets_apart: bool = False) -> tuple[list[tuple[int, bytes]], bytes]:
    """Showing time and access unit of each drawn picture, in the order of coding, and the parameter sets when they are apart."""
    name = "libx264" if codec is Codec.H264 else "libx265"
    context = av.CodecContext.create(name, "w")
    assert isinstance(context, av.VideoCodecContext)
    context.width, context.height, context.pix_fmt = 128, 96, "yuv420p"
    context.time_base, context.framerate, context.thread_count = Fraction(1, 90_000), Fraction(25), 1
    context.options = {"preset": "veryfast", name.removeprefix("lib") + "-params": settings}
    if sets_apart:
        context.flags |= _GLOBAL_HEADER
    packets = []
    for number, picture in enumerate(drawn_pictures(COUNT)):
        frame = av.VideoFrame.from_ndarray(picture, format="bgr24").reformat(format="yuv420p")
        frame.pts, frame.time_base = number * TICKS_PER_FRAME, Fraction(1, 90_000)
        packets += context.encode(frame)
    packets += context.encode(None)
    return [(int(p.pts or 0), bytes(p)) for p in packets], bytes(context.extradata or b"")


def received(codec: Codec, units: Sequence[tuple[int, bytes]], sets: bytes = b"") -> list[CodedFrame]:
    packets: list[bytes] = []
    for shown, unit in units:
        payloads = packetise(unit, codec)
        for payload in payloads:
            last = payload is payloads[-1]
            packets.append(packet(len(packets), 1_000_000 + shown, payload, marker=last))
    return feed(assembler(codec, parameter_sets=sets), packets)


def decoded(frames: Sequence[CodedFrame], description: StreamDescription) -> dict[int, Grey]:
    """Pictures by the number that they were drawn under."""
    context = av.CodecContext.create(DECODERS[description.codec], "r")
    assert isinstance(context, av.VideoCodecContext)
    packets: list[av.Packet | None] = []
    for frame in frames:
        one = av.Packet(access_unit(frame, description))
        one.pts = frame.rtp_time - 1_000_000
        packets.append(one)
    pictures = [picture for one in [*packets, None] for picture in context.decode(one)]
    return {(p.pts or 0) // TICKS_PER_FRAME: p.to_ndarray(format="gray") for p in pictures}


def assert_drawn(pictures: dict[int, Grey], numbers: Sequence[int]) -> None:
    assert sorted(pictures) == list(numbers)
    drawn = list(drawn_pictures(COUNT))
    for number, picture in pictures.items():
        error = np.abs(picture.astype(int) - drawn[number][:, :, 0].astype(int)).mean()
        assert error < 6, f"picture {number} is off by {error}"


@pytest.mark.parametrize(
    ("codec", "settings", "key_numbers", "recovery"),
    [
        pytest.param(Codec.H264, f"{GROUP}:bframes=0", [0, 20, 40], 0, id="h264 plain"),
        pytest.param(Codec.H264, f"{GROUP}:bframes=3", [0, 20, 40], 0, id="h264 B-frames"),
        pytest.param(Codec.H264, f"{GROUP}:bframes=2:open-gop=1", [0, 20, 40], 0, id="h264 open groups"),
        pytest.param(Codec.H264, f"{GROUP}:bframes=0:slices=4", [0, 20, 40], 0, id="h264 slices"),
        pytest.param(Codec.H264, f"{GROUP}:bframes=0:interlaced=1", [0, 20, 40], 0, id="h264 interlaced"),
        pytest.param(
            Codec.H264, f"{GROUP}:bframes=0:intra-refresh=1", [0, 20, 40], 6, id="h264 intra refresh"
        ),
        pytest.param(Codec.H265, f"{GROUP}:{H265_QUIET}:bframes=0", [0, 20, 40], 0, id="h265 plain"),
        pytest.param(
            Codec.H265, f"{GROUP}:{H265_QUIET}:bframes=3:open-gop=0", [0, 20, 40], 0, id="h265 B-frames"
        ),
        pytest.param(
            Codec.H265, f"{GROUP}:{H265_QUIET}:bframes=3:open-gop=1", [0, 20, 40], 0, id="h265 open groups"
        ),
    ],
)
def test_decoding_begins_at_every_key_frame_and_gives_the_drawn_pictures(
    codec: Codec, settings: str, key_numbers: list[int], recovery: int
) -> None:
    units, _ = coded(codec, settings)
    frames = received(codec, units)
    keys = [number for number, frame in enumerate(frames) if frame.is_key]
    shown = [(frames[key].rtp_time - 1_000_000) // TICKS_PER_FRAME for key in keys]

    assert not any(frame.damaged for frame in frames)
    assert shown == key_numbers
    assert [frames[key].recovery_frames for key in keys] == [0, recovery, recovery]
    assert_drawn(decoded(frames, STREAMS[codec]), range(COUNT))
    assert_drawn(decoded(from_key_on(frames[keys[1] :]), STREAMS[codec]), range(shown[1] + recovery, COUNT))
    alone = decoded(frames[keys[1] : keys[1] + 1], STREAMS[codec])
    assert_drawn(alone, [] if recovery else [shown[1]])


@pytest.mark.parametrize("codec", [Codec.H264, Codec.H265])
def test_parameter_sets_of_the_description_alone_are_enough(codec: Codec) -> None:
    quiet = "pools=none:frame-threads=1:" if codec is Codec.H265 else ""
    units, sets = coded(codec, f"{quiet}{GROUP}:bframes=0", sets_apart=True)
    nal = NAL_FORMATS[codec]
    frames = received(codec, units, sets)

    assert not any(
        kind in nal.SETS for _, u in units[20:21] for p in packetise(u, codec) for kind in _kinds(p, codec)
    )
    assert_drawn(decoded(frames[20:], STREAMS[codec]), range(20, COUNT))


def _kinds(payload: bytes, codec: Codec) -> list[int]:
    nal = NAL_FORMATS[codec]
    return [nal.nal_type(unit) for unit in nal.depacketise([payload])]


@pytest.mark.parametrize("codec", list(Codec))
async def test_a_simulated_camera_of_each_codec_is_read_and_decodes(codec: Codec) -> None:
    loop = encode_pictures(drawn_pictures(10), rate=25, codec=codec)
    server = RtspServer(CLOCK)
    server.show("/cam", loop)
    async with serving(server) as base:
        reader = RtspReader(f"{base}/cam", None, CLOCK)
        description = await reader.open()
        frames = await read_frames(reader, 10)
        await reader.close()

    assert (description.codec, description.width, description.height) == (codec, 128, 96)
    assert description.parameter_sets == loop.parameter_sets
    first = frames[0].rtp_time
    retimed = [replace(frame, rtp_time=frame.rtp_time - first + 1_000_000) for frame in frames[:10]]
    assert_drawn(decoded(retimed, description), range(10))


async def test_a_camera_that_changes_its_codec_in_mid_stream_is_let_go_and_read_anew() -> None:
    server = RtspServer(CLOCK)
    server.show("/cam", encode_pictures(drawn_pictures(25), rate=25))
    async with serving(server) as base:
        reader = RtspReader(f"{base}/cam", None, CLOCK)
        await reader.open()
        await read_frames(reader, 3)
        server.show("/cam", encode_pictures(drawn_pictures(25), rate=25, codec=Codec.MJPEG))
        changed_s = CLOCK.monotonic()
        with pytest.raises(RtspError) as caught:
            await read_frames(reader, 1000)
        took_s = CLOCK.monotonic() - changed_s
        await reader.close()
        again = RtspReader(f"{base}/cam", None, CLOCK)
        description = await again.open()
        await read_frames(again, 2)
        await again.close()

    assert caught.value.reason is Problem.CLOSED
    assert took_s < 3
    assert description.codec is Codec.MJPEG


async def test_a_camera_that_changes_its_size_in_mid_stream_says_so_with_a_key_frame() -> None:
    server = RtspServer(CLOCK)
    server.show("/cam", encode_pictures(drawn_pictures(25), rate=25))
    async with serving(server) as base:
        reader = RtspReader(f"{base}/cam", None, CLOCK)
        description = await reader.open()
        before = await read_frames(reader, 3)
        server.show("/cam", encode_pictures(drawn_pictures(25, 64, 48), rate=25))
        after = await read_frames(reader, 10)
        await reader.close()

    (changed,) = [frame for frame in before + after if frame.changed is not None]
    assert changed.is_key
    assert changed.changed is not None
    assert (description.width, changed.changed.width, changed.changed.height) == (128, 64, 48)
