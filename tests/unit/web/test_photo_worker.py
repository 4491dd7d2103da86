import contextlib
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from server.web.photo_worker import LONGEST_SIDE_PX, RefusedError, upright_copy
from server.web.photo_workshop import sniffed


def encoded(kind: str, size: tuple[int, int] = (40, 30), mode: str = "RGB") -> bytes:
    out = io.BytesIO()
    Image.new(mode, size).save(out, kind)
    return out.getvalue()


@pytest.mark.parametrize(
    ("kind", "mode"),
    [("JPEG", "L"), ("JPEG", "CMYK"), ("PNG", "RGBA"), ("PNG", "P"), ("PNG", "1"), ("WEBP", "RGBA")],
)
def test_every_kind_of_photo_becomes_a_plain_jpeg(kind: str, mode: str) -> None:
    jpeg, width, height = upright_copy(encoded(kind, mode=mode))
    assert sniffed(jpeg) == "image/jpeg"
    assert (width, height) == (40, 30)


def test_a_large_photo_is_reduced_and_keeps_its_shape() -> None:
    _, width, height = upright_copy(encoded("JPEG", (6000, 3000)))
    assert (width, height) == (LONGEST_SIDE_PX, LONGEST_SIDE_PX // 2)


@pytest.mark.parametrize("kind", ["GIF", "BMP", "TIFF"])
def test_other_formats_are_not_even_opened(kind: str) -> None:
    assert sniffed(encoded(kind)) is None
    with pytest.raises(RefusedError, match="photo_broken"):
        upright_copy(encoded(kind))


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(["JPEG", "PNG", "WEBP"]), st.data())
def test_damaged_bytes_are_refused_by_name_or_still_a_picture(kind: str, data: st.DataObject) -> None:
    content = bytearray(encoded(kind))
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(content)))
    with contextlib.suppress(RefusedError):
        jpeg, _, _ = upright_copy(bytes(content[:cut]))
        assert sniffed(jpeg) == "image/jpeg"
