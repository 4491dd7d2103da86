"""How much CPU the cameras of one worker may spend on more than key frames, and which of them gets it. Pure.

Income is shared equally among those that ask and have not saved enough; what one does not need goes to the others. Who has
nothing left sees key frames until it has saved again.
"""

from dataclasses import dataclass

from ingest.cameras.attention import Want

NEVER_S = float("-inf")


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetSettings:
    """CPU seconds, and shares of one core."""

    share: float = 0.25
    """All cameras of a worker together: two that are decoded as a whole at 1080p25, or a passer-by a minute at twenty. 0: none."""
    saved_s: float = 3.0
    """What a camera can save: a suspicion's burst of 25 s at 1080p25."""
    curious_share: float = 0.01
    """What one camera may spend for long on what merely begins: 6 s of decoding everything a minute."""
    curious_saved_s: float = 0.8
    resume_s: float = 0.3
    """Who has spent all begins again when this much is saved: a group of pictures is decoded as a whole or not at all."""
    asks_s: float = 10.0
    """Who asked within this long takes part in the sharing."""
    short_s: float = 10.0
    """The budget is said to be short for so long after a refusal."""
    pay_every_s: float = 0.1


@dataclass(slots=True)
class _Purse:
    saved_s: float
    rests: bool = False

    def allows(self, resume_s: float) -> bool:
        self.rests = self.saved_s <= 0 or (self.rests and self.saved_s < resume_s)
        return not self.rests


@dataclass(slots=True)
class _Account:
    purse: _Purse
    curious: _Purse
    asked_s: float = NEVER_S
    refused_s: float = NEVER_S


class DecodeBudget:
    """`now_s` is any clock that does not go back."""

    def __init__(self, settings: BudgetSettings | None = None) -> None:
        self._settings = settings or BudgetSettings()
        self._accounts: dict[str, _Account] = {}
        self._paid_s: float | None = None

    def allows(self, camera: str, want: Want, now_s: float) -> bool:
        """Whether `camera` may decode more than key frames now. Curiosity stands back while a need is refused."""
        self._pay(now_s)
        s, account = self._settings, self._account(camera)
        account.asked_s = now_s
        has_enough = account.purse.allows(s.resume_s)
        if want is Want.CURIOUS:
            return account.curious.allows(s.resume_s) and has_enough and not self.refused(now_s)
        if not has_enough:
            account.refused_s = now_s
        return has_enough

    def spend(self, camera: str, want: Want, cpu_s: float) -> None:
        """What was allowed has cost so much; an account may be overdrawn once."""
        account = self._account(camera)
        account.purse.saved_s -= cpu_s
        if want is Want.CURIOUS:
            account.curious.saved_s -= cpu_s

    def is_short(self, camera: str, now_s: float) -> bool:
        """This camera needed more lately than there was."""
        account = self._accounts.get(camera)
        return account is not None and now_s - account.refused_s < self._settings.short_s

    def refused(self, now_s: float) -> int:
        """How many cameras needed more lately than there was."""
        return sum(now_s - account.refused_s < self._settings.short_s for account in self._accounts.values())

    def forget(self, camera: str) -> None:
        self._accounts.pop(camera, None)

    def _account(self, camera: str) -> _Account:
        s = self._settings
        begins_with_s = s.saved_s / 2 if s.share else 0.0
        return self._accounts.setdefault(camera, _Account(_Purse(begins_with_s), _Purse(s.curious_saved_s)))

    def _pay(self, now_s: float) -> None:
        """The income since the last time: to those that ask, and what they leave to the others."""
        s = self._settings
        since_s = s.pay_every_s if self._paid_s is None else now_s - self._paid_s
        if since_s < s.pay_every_s:
            return
        self._paid_s = now_s
        for account in self._accounts.values():
            purse = account.curious
            purse.saved_s = min(s.curious_saved_s, purse.saved_s + since_s * s.curious_share)
        asking = [a.purse for a in self._accounts.values() if now_s - a.asked_s <= s.asks_s]
        others = [a.purse for a in self._accounts.values() if now_s - a.asked_s > s.asks_s]
        self._share_out(others, self._share_out(asking, since_s * s.share))

    def _share_out(self, purses: list[_Purse], income_s: float) -> float:
        """Equal parts, the fullest first, so that what it has no room for reaches the next; what is left over."""
        most_s = self._settings.saved_s
        for number, purse in enumerate(sorted(purses, key=lambda p: -p.saved_s)):
            part_s = min(income_s / (len(purses) - number), most_s - purse.saved_s)
            purse.saved_s += part_s
            income_s -= part_s
        return income_s
