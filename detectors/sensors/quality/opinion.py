"""What a rule says of a channel, or of its station: something is wrong since then, or all is well again. Pure."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from detectors.sensors.quality.scene import Scene
from farwatch.domain.finding import Param, Severity, Tier


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrong:
    """`code` is empty for the whole station. With `until` it is over already; `stands` for what somebody did: each time is
    a finding of its own, and none ends by itself. `key` names a variant of the rule, empty: the rule itself."""

    code: str
    since: datetime
    params: Mapping[str, Param]
    key: str = ""
    until: datetime | None = None
    stands: bool = False


@dataclass(frozen=True, slots=True)
class Well:
    """There were data enough to say so. `since` is when what may have been wrong before was over.

    It is said of what began by `began_by` (None: by the end of the hour): what began later was found in a later hour, whose
    window this one does not see whole, and an hour that is reviewed again must not end it.
    """

    code: str
    since: datetime
    began_by: datetime | None = None


Opinion = Wrong | Well


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule that has too little to go by says nothing: what it found before then stands. `is_of_coming`: it speaks of how data
    comes, so that its finding is as new as what came last, whatever times that bears."""

    name: str
    look: Callable[[Scene], Iterable[Opinion]]
    tier: Tier = Tier.FAULT
    severity: int = Severity.MINOR
    is_of_coming: bool = False
