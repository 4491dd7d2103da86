"""Makes viewable copies of photos in child processes, which may die of what they are fed without harm."""

import asyncio
import sys
from dataclasses import dataclass

import orjson

AT_ONCE = 2
UPLOADS_AT_ONCE = 8
TIMEOUT_S = 20.0
COPY_MAX_BYTES = 12 * 1024 * 1024


class PhotoError(Exception):
    """A photo that cannot be shown; `key` names why."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


@dataclass(frozen=True, slots=True)
class PhotoCopy:
    """A JPEG without EXIF, upright, at most 2560 px on its longer side."""

    jpeg: bytes
    width: int
    height: int


def sniffed(content: bytes) -> str | None:
    """The media type by content: what a client says its bytes are decides nothing."""
    if content.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    return None


class PhotoWorkshop:
    """`uploads` bounds how many photos are held in memory, from their first byte until they are kept or refused."""

    def __init__(self) -> None:
        self.uploads = asyncio.Semaphore(UPLOADS_AT_ONCE)
        self._free = asyncio.Semaphore(AT_ONCE)

    async def copy(self, content: bytes) -> PhotoCopy:
        """Raises PhotoError photo_broken, photo_too_many_pixels or photo_too_hard (time or memory)."""
        async with self._free:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-I", "-m", "server.web.photo_worker",
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL, env={},
            )  # fmt: skip
            try:
                async with asyncio.timeout(TIMEOUT_S):
                    head, jpeg = await _talk(process, content)
            except TimeoutError:
                raise PhotoError("photo_too_hard") from None
            finally:
                if process.returncode is None:
                    process.kill()
                await process.wait()
        return _judged(head, jpeg)


async def _talk(process: asyncio.subprocess.Process, content: bytes) -> tuple[bytes, bytes]:
    """The worker reads everything before it writes anything, so the two pipes cannot block each other."""
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(content)
        await process.stdin.drain()
        process.stdin.close()
    except ConnectionError:
        return b"", b""
    head = await process.stdout.readline()
    try:
        return head, await process.stdout.readexactly(COPY_MAX_BYTES)
    except asyncio.IncompleteReadError as whole:
        return head, whole.partial


def _judged(head: bytes, jpeg: bytes) -> PhotoCopy:
    """Believes the child no more than the photo: it worked on hostile bytes."""
    try:
        said = orjson.loads(head)
    except orjson.JSONDecodeError:
        raise PhotoError("photo_too_hard") from None
    if "error" in said:
        raise PhotoError(
            "photo_too_many_pixels" if said["error"] == "photo_too_many_pixels" else "photo_broken"
        )
    if sniffed(jpeg) != "image/jpeg" or len(jpeg) >= COPY_MAX_BYTES:
        raise PhotoError("photo_broken")
    return PhotoCopy(jpeg, int(said["width"]), int(said["height"]))
