"""The child process that decodes a photo: reads it on standard input, writes one line of JSON and a JPEG, and ends.

It runs under limits of memory, time and file size, because image decoders meet hostile bytes here.
"""

import io
import json
import resource
import sys

from PIL import Image, ImageOps

MEMORY_MAX_BYTES = 1024 * 1024 * 1024
CPU_MAX_S = 15
LONGEST_SIDE_PX = 2560
# A JPEG is reduced while it is decoded, so a phone's 108 megapixels are fine; the others unfold to four bytes a pixel.
PIXELS_MAX = {"JPEG": 220_000_000, "PNG": 50_000_000, "WEBP": 50_000_000}


class RefusedError(Exception):
    """The key of the error is the exception's text."""


def upright_copy(content: bytes) -> tuple[bytes, int, int]:
    """A JPEG of the pixels alone: no EXIF, no comment, no profile, nothing appended. Raises RefusedError."""
    try:
        with Image.open(io.BytesIO(content), formats=tuple(PIXELS_MAX)) as image:
            if image.width * image.height > PIXELS_MAX[str(image.format)]:
                raise RefusedError("photo_too_many_pixels")
            image.draft("RGB", (LONGEST_SIDE_PX, LONGEST_SIDE_PX))
            image.thumbnail((LONGEST_SIDE_PX, LONGEST_SIDE_PX))
            upright = ImageOps.exif_transpose(image).convert("RGB")
    except (
        OSError,
        ValueError,
        SyntaxError,
        EOFError,
        TypeError,
        IndexError,
        Image.DecompressionBombError,
    ) as error:
        raise RefusedError("photo_broken") from error
    clean = Image.new("RGB", upright.size)
    clean.paste(upright)
    out = io.BytesIO()
    clean.save(out, "JPEG", quality=85)
    return out.getvalue(), clean.width, clean.height


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_MAX_BYTES, MEMORY_MAX_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_MAX_S, CPU_MAX_S))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    Image.MAX_IMAGE_PIXELS = None  # our own limits by format come before any pixel is decoded
    content = sys.stdin.buffer.read()
    try:
        jpeg, width, height = upright_copy(content)
        head: dict[str, object] = {"width": width, "height": height}
    except RefusedError as refused:
        jpeg, head = b"", {"error": str(refused)}
    sys.stdout.buffer.write(json.dumps(head).encode() + b"\n" + jpeg)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
