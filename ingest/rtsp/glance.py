"""What the header bytes of one packet tell about the picture that it belongs to."""

from typing import NamedTuple


class Glance(NamedTuple):
    """Of one RTP payload. `begins`: the picture's first slice begins here, so nothing of it came before.

    `is_instant`: the picture needs no other (IDR, IRAP, every JPEG). `is_intra`: its first slice needs no other.
    `has_sets`: an SPS is in the payload. `recovery_frames`: from here on, decoding comes to whole pictures within so
    many frames (recovery point); None when nothing is said about it.
    """

    is_picture: bool = False
    begins: bool = False
    is_instant: bool = False
    is_intra: bool = False
    has_sets: bool = False
    recovery_frames: int | None = None


NOTHING = Glance()
