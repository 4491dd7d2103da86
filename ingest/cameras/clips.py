"""Clips: cut from footage into the blob store, or lost for a reason that has a name."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from farwatch.storage.blobs import BlobStore, why_not_kept
from ingest.cameras.footage import Footage, facts, of_one_stream
from ingest.cameras.muxing import CLIP_ERRORS, cut
from ingest.rtsp.frames import Codec

MEDIA_TYPE = "video/mp4"
PLAYED_EVERYWHERE = frozenset({Codec.H264})
"""By browsers; clips of the other codecs get a copy."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptClip:
    """`meta` is what the evidence's row tells of it."""

    sha256: str
    sm3: str
    size_bytes: int
    began_at: datetime
    needs_copy: bool
    meta: Mapping[str, object]


def keep(footage: Footage, blobs: BlobStore) -> KeptClip | str:
    """Cuts the clip into the blob store, or says why there is none: `disk_full`, `not_playable` or `store_failed`. Blocks."""
    try:
        if blobs.is_short:
            log.error(
                "a clip is lost: too little is free on the evidence's disk", extra={"event": "disk_full"}
            )
            return "disk_full"
        return _kept(of_one_stream(footage), blobs)
    except OSError as error:
        log.exception("a clip could not be kept")
        return why_not_kept(error)
    except CLIP_ERRORS as error:
        log.warning("a clip of %d frames cannot be cut: %s", len(footage.frames), error)
        return "not_playable"


def _kept(footage: Footage, blobs: BlobStore) -> KeptClip:
    with blobs.scratch(".mp4") as path:
        width, height = cut(footage, path)
        size_bytes = path.stat().st_size
        kept = blobs.put_file(path)
        return KeptClip(
            sha256=kept.sha256, sm3=kept.sm3, size_bytes=size_bytes, began_at=footage.began_at,
            needs_copy=footage.description.codec not in PLAYED_EVERYWHERE,
            meta=facts(footage) | {"width": width, "height": height},
        )  # fmt: skip
