"""Pictures for people: the original still, a copy with the box drawn in, and the small one that pages show live."""

import cv2
import numpy as np
from av.video.frame import VideoFrame
from cv2.typing import MatLike

from farwatch.domain.picture import Picture

MEDIA_TYPE = "image/jpeg"
EVIDENCE_QUALITY = 92
LIVE_QUALITY = 75
_RED_BGR = (40, 40, 235)

Box = tuple[float, float, float, float]


def original(frame: VideoFrame) -> bytes:
    """The whole decoded frame as JPEG."""
    return _jpeg(frame.to_ndarray(format="bgr24"), EVIDENCE_QUALITY)


def marked(frame: VideoFrame, box: Box) -> bytes:
    """The same with the box (left, top, right, bottom in shares of width and height) drawn in."""
    image = frame.to_ndarray(format="bgr24")
    height, width = image.shape[:2]
    left, top, right, bottom = (min(1.0, max(0.0, share)) for share in box)
    corners = (
        (round(left * (width - 1)), round(top * (height - 1))),
        (round(right * (width - 1)), round(bottom * (height - 1))),
    )
    cv2.rectangle(image, corners[0], corners[1], _RED_BGR, thickness=max(2, width // 320))
    return _jpeg(image, EVIDENCE_QUALITY)


def live(picture: Picture) -> bytes:
    """The reduced picture as JPEG: what the pages show of a camera between findings."""
    yuv = np.concatenate(
        [np.frombuffer(plane, dtype=np.uint8) for plane in (picture.y, picture.u, picture.v)]
    )
    image = cv2.cvtColor(yuv.reshape(picture.height * 3 // 2, picture.width), cv2.COLOR_YUV2BGR_I420)
    return _jpeg(image, LIVE_QUALITY)


def _jpeg(image: MatLike, quality: int) -> bytes:
    ok, encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not ok:
        raise ValueError("OpenCV could not encode the picture as JPEG")
    return encoded.tobytes()
