"""What goes out: a notice, several in one, or an event of the log, as words for people and as a CloudEvent for programs."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from alerting import messages, visits
from alerting.channels import Message
from alerting.channels.cloud_event import cloud_event
from alerting.warning import WARNED, WARNED_HALF
from farwatch.domain.finding import Param
from farwatch.storage.notice_attempts import Queued

WORST = 3


@dataclass(frozen=True, slots=True)
class Letters:
    """`public_url`: where people outside reach the pages, without a slash at its end; empty: messages carry no links. `secret`
    makes those by which a warned enterprise answers; empty: it gets none."""

    source: str
    public_url: str = ""
    secret: bytes = field(default=b"", repr=False)

    def notice(self, letter: Sequence[Queued]) -> Message:
        """The first one carries the others; the key is its own. Raises KeyError for words that are not known."""
        carrier = letter[0]
        if len(letter) > 1:
            data = {"count": len(letter), "notices": [_data(notice) for notice in letter]}
            return self._message(carrier, self._digest(letter), "farwatch.notices", None, data)
        kind = "task" if carrier.task is not None else "finding"
        subject = f"tasks/{carrier.task}" if carrier.task is not None else None
        type_ = f"farwatch.{kind}.{carrier.message_key}"
        return self._message(carrier, self._words(carrier), type_, subject, _data(carrier))

    def _message(
        self, carrier: Queued, text: str, type_: str, subject: str | None, data: Mapping[str, object]
    ) -> Message:
        event = cloud_event(
            type=type_, source=self.source, id=carrier.key, at=carrier.created_at, subject=subject, data=data
        )
        return Message(key=carrier.key, title=messages.TITLE, text=text, event=event)

    def _words(self, notice: Queued) -> str:
        text = messages.text(notice.message_key, notice.params, drill=notice.drill_id is not None)
        return "\n".join(part for part in (text, *self._about(notice)) if part)

    def _about(self, notice: Queued) -> tuple[str, ...]:
        if notice.task is None:
            return (self._answer(notice),)
        place = messages.about(notice.task, notice.about)
        return (place, f"{self.public_url}/officer/tasks/{notice.task}" if self.public_url else "")

    def _answer(self, notice: Queued) -> str:
        if notice.finding is None or notice.message_key not in (WARNED, WARNED_HALF):
            return ""
        linked = self.public_url and self.secret
        return f"{self.public_url}/w/{visits.warning_token(self.secret, notice.finding)}" if linked else ""

    def _digest(self, letter: Sequence[Queued]) -> str:
        """How many of what, then the worst with their places."""
        counts = Counter(messages.short(notice.message_key) for notice in letter)
        worst = sorted(letter, key=_severity, reverse=True)
        told = list({notice.task: notice for notice in reversed(worst) if notice.task is not None}.values())[
            ::-1
        ]
        lines = [messages.digest(len(letter), counts, drill=all(n.drill_id for n in letter))]
        lines += [
            "\n".join(part for part in self._about(n) if part)
            for n in sorted(told, key=_severity, reverse=True)[:WORST]
        ]
        return "\n".join(lines)


def _severity(notice: Queued) -> float:
    severity = notice.about.get("severity")
    return float(severity) if isinstance(severity, int) else 0.0


def _data(notice: Queued) -> Mapping[str, object]:
    """Ids and numbers; nobody's name."""
    params: Mapping[str, Param] = notice.params
    return {
        "key": notice.key, "notice": notice.message_key, "step": notice.step, "target": notice.target, "task": notice.task,
        "finding": str(notice.finding) if notice.finding else None, "drill": notice.drill_id, "params": dict(params),
        **{name: value for name, value in notice.about.items() if name not in ("enterprise_name", "grid_name")},
    }  # fmt: skip
