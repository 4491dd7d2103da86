"""Why a camera cannot be read: one error type with a named reason."""

from enum import StrEnum


class Problem(StrEnum):
    """What stands between us and the pictures; the value is a key for logs, metrics and pages."""

    UNREACHABLE = "unreachable"
    """No connection: refused, no route, no such host."""
    TIMED_OUT = "timed_out"
    """Connected, but no answer or no picture within the deadline."""
    CLOSED = "closed"
    """The camera ended the connection or the stream."""
    UNAUTHORISED = "unauthorised"
    NOT_FOUND = "not_found"
    BUSY = "busy"
    """The camera has as many viewers as it takes."""
    NO_VIDEO = "no_video"
    UNSUPPORTED_CODEC = "unsupported_codec"
    PROTOCOL = "protocol"
    """The camera says something that we do not understand or do not accept."""
    NOT_STARTED = "not_started"
    """The platform that was asked to start the camera's stream did not."""
    FOREIGN_HOST = "foreign_host"
    """The platform names a stream on a host that the camera's row does not."""
    RESTING = "resting"
    """Left alone for a while: its pictures have stopped its worker more than once."""


class RtspError(Exception):
    """The stream cannot be opened or read on. `detail` never holds a password."""

    def __init__(self, reason: Problem, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail
