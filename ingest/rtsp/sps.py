"""Picture sizes out of sequence parameter sets of H.264 (§7.3.2.1.1) and H.265 (§7.3.2.2.1)."""

from collections.abc import Callable

from ingest.rtsp.bits import BitReader, without_emulation

_LONGEST_SPS = 1024
_LARGEST_SIDE = 16_384
_H264_HIGH_PROFILES = (100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135)
_PROFILE_BITS = 88
"""General profile of H.265: space, tier, idc, compatibility and constraint flags (§7.3.3)."""

Size = tuple[int, int]
Sizes = tuple[Size, Size]
"""As decoded, and as shown."""


def h264_size(unit: bytes) -> Size | None:
    """Width and height as shown, in pixels; None for an SPS that makes no sense."""
    return _within_reason(_shown(_read(_h264_sizes, unit[1:_LONGEST_SPS])))


def h265_size(unit: bytes) -> Size | None:
    """Width and height as shown, in pixels; None for an SPS that makes no sense."""
    return _within_reason(_shown(_read(_h265_sizes, unit[2:_LONGEST_SPS])))


def h264_coded_size(unit: bytes) -> Size | None:
    """Width and height as decoded, however much is not shown; None for an SPS that makes no sense."""
    return _coded(_read(_h264_sizes, unit[1:_LONGEST_SPS]))


def h265_coded_size(unit: bytes) -> Size | None:
    """Width and height as decoded, however much is not shown; None for an SPS that makes no sense."""
    return _coded(_read(_h265_sizes, unit[2:_LONGEST_SPS]))


def _read(sizes_of: Callable[[BitReader], Sizes], body: bytes) -> Sizes | None:
    try:
        return sizes_of(BitReader(without_emulation(body)))
    except ValueError:
        return None


def _coded(sizes: Sizes | None) -> Size | None:
    return None if sizes is None else sizes[0]


def _shown(sizes: Sizes | None) -> Size | None:
    return None if sizes is None else sizes[1]


def _within_reason(size: Size | None) -> Size | None:
    return size if size and all(0 < side <= _LARGEST_SIDE for side in size) else None


def _h264_sizes(reader: BitReader) -> Sizes:
    profile = reader.bits(8)
    reader.bits(16)
    reader.number()
    chroma = 1
    if profile in _H264_HIGH_PROFILES:
        chroma = reader.number()
        if chroma == 3:
            reader.flag()
        reader.number()
        reader.number()
        reader.flag()
        if reader.flag():
            for index in range(12 if chroma == 3 else 8):
                if reader.flag():
                    _pass_scaling_list(reader, 16 if index < 6 else 64)
    reader.number()
    _pass_picture_order(reader)
    reader.number()
    reader.flag()
    columns, rows = reader.number() + 1, reader.number() + 1
    fields = 1 if reader.flag() else 2
    if fields == 2:
        reader.flag()
    reader.flag()
    left, right, top, bottom = [reader.number() for _ in range(4)] if reader.flag() else (0, 0, 0, 0)
    unit_x, unit_y = 2 if chroma in (1, 2) else 1, (2 if chroma == 1 else 1) * fields
    width, height = 16 * columns, 16 * rows * fields
    return (width, height), (width - unit_x * (left + right), height - unit_y * (top + bottom))


def _pass_scaling_list(reader: BitReader, length: int) -> None:
    last = following = 8
    for _ in range(length):
        if following:
            following = (last + reader.signed()) % 256
        last = following or last


def _pass_picture_order(reader: BitReader) -> None:
    kind = reader.number()
    if kind == 0:
        reader.number()
    elif kind == 1:
        reader.flag()
        reader.signed()
        reader.signed()
        for _ in range(min(reader.number(), 255)):
            reader.signed()


def _h265_sizes(reader: BitReader) -> Sizes:
    reader.bits(4)
    sub_layers = reader.bits(3)
    reader.flag()
    reader.bits(_PROFILE_BITS + 8)
    present = [(reader.flag(), reader.flag()) for _ in range(sub_layers)]
    if sub_layers:
        reader.bits(2 * (8 - sub_layers))
    for has_profile, has_level in present:
        reader.bits(_PROFILE_BITS * has_profile + 8 * has_level)
    reader.number()
    chroma = reader.number()
    if chroma == 3:
        reader.flag()
    width, height = reader.number(), reader.number()
    left, right, top, bottom = [reader.number() for _ in range(4)] if reader.flag() else (0, 0, 0, 0)
    unit_x, unit_y = 2 if chroma in (1, 2) else 1, 2 if chroma == 1 else 1
    return (width, height), (width - unit_x * (left + right), height - unit_y * (top + bottom))
