"""How much of one camera is decoded now: what its rules want, whether somebody looks, and what the budget gives."""

from collections.abc import Sequence

from farwatch.runtime.clock import Clock
from ingest.cameras import metrics
from ingest.cameras.attention import Attention, Batch, Want
from ingest.cameras.budget import DecodeBudget
from ingest.cameras.live import LiveWish
from ingest.cameras.ring import Ring
from ingest.rtsp.frames import CodedFrame


class Focus:
    """Of one camera, over all its sessions; `budget` is its worker's."""

    def __init__(self, camera: str, budget: DecodeBudget, wish: LiveWish, clock: Clock) -> None:
        self._camera = camera
        self._budget = budget
        self._wish = wish
        self._clock = clock

    @property
    def is_watched(self) -> bool:
        """Somebody looks at the live picture."""
        return self._wish.is_fresh()

    @property
    def is_short(self) -> bool:
        """More was needed lately than the budget had."""
        return self._budget.is_short(self._camera, self._clock.monotonic())

    def is_news(self, frames: Sequence[CodedFrame], attention: Attention, ring: Ring, wanted: Want) -> bool:
        """Whether `take` could have an answer now that these have come."""
        return any(frame.is_key for frame in frames) or self._wants(attention, ring, wanted) >= Want.CURIOUS

    def take(self, attention: Attention, ring: Ring, wanted: Want) -> Batch | None:
        """What to decode next; None when there is nothing new."""
        want = self._wants(attention, ring, wanted)
        is_allowed = want >= Want.CURIOUS and self._budget.allows(self._camera, want, self._clock.monotonic())
        batch = attention.take(ring, Want.NEEDED if self.is_watched else wanted, may_decode_all=is_allowed)
        if batch is not None and want >= Want.CURIOUS and not is_allowed:
            metrics.DECODE_REFUSED.labels(want.name.lower()).inc()
        return batch

    def spent(self, batch: Batch, attention: Attention, ring: Ring, wanted: Want, cpu_s: float) -> None:
        """What looking at `batch` has cost, when `wanted` was what its rules wanted."""
        want = self._wants(attention, ring, wanted)
        if not batch.alone:
            self._budget.spend(self._camera, want, cpu_s)
        metrics.DECODE_CPU.labels("key_frames" if batch.alone else want.name.lower()).inc(cpu_s)

    def _wants(self, attention: Attention, ring: Ring, wanted: Want) -> Want:
        needs = self.is_watched or attention.needs_more_than_keys(ring)
        return Want.NEEDED if needs else wanted
