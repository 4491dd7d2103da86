"""Whether the server takes pictures of this worker at all: its token may be revoked. Told once, not for each camera."""

import logging

from ingest.cameras import metrics
from ingest.cameras.server_line import RefusedError

log = logging.getLogger(__name__)


class Standing:
    """Shared by all that send to one server; outlives their restarts."""

    def __init__(self) -> None:
        self.is_refused = False
        self._cameras: set[str] = set()

    def taken(self, camera: str | None = None) -> None:
        """A piece arrived, or the latest picture of that camera."""
        if self.is_refused:
            log.info("the server takes the pictures of this worker again")
        self.is_refused = False
        self._cameras.discard(camera or "")

    def refused(self, what: str, error: RefusedError, camera: str | None = None) -> None:
        """Counts and tells it, the same again at debug. `what` is evidence or a picture."""
        metrics.SENDING_REFUSED.labels(what, error.key).inc()
        is_old = error.is_passing
        if error.status == 401:
            is_old, self.is_refused = self.is_refused, True
        elif camera is not None:
            is_old = is_old or camera in self._cameras
            self._cameras.add(camera)
        of = f" of camera {camera}" if camera and error.status != 401 else ""
        log.log(
            logging.DEBUG if is_old else logging.ERROR, "%s%s is refused by the server: %s", what, of, error
        )
