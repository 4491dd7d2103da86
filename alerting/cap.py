"""Cases as messages of the Common Alerting Protocol 1.2 (OASIS): an alert, its updates, and what takes it back. Pure.

Urgency, severity and certainty come from the tables below; `docs/reference/feeds.md` says why.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from xml.etree import ElementTree as ET

from farwatch.domain.place import Position
from farwatch.domain.review import CITY

NAMESPACE = "urn:oasis:names:tc:emergency:cap:1.2"
RADIUS_KM = 0.2
"""Of the circle around a case: the geofence of a visit, and room for where smoke drifts."""
SEVERITY = {1: "Minor", 2: "Moderate", 3: "Severe"}
FALSE_ALARM = "false_alarm"
EVENTS: dict[str, tuple[str, str]] = {
    "exceedance": ("污染物超标排放", "Emission over its limit"),
    "smoke": ("冒烟", "Smoke"),
    "burning": ("露天焚烧", "Open burning"),
    "dumping": ("倾倒垃圾", "Dumping"),
    "camera_fault": ("摄像机故障", "Camera fault"),
    "data_fault": ("监测数据异常", "Doubtful data"),
}
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NOT_IN_NAMES = re.compile(r"[\s,<&]")


@dataclass(frozen=True, slots=True)
class Matter:
    found_at: datetime
    severity: int
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertedCase:
    """`matters` are at least one, the first one first; `ended_at` is when nothing was left to do."""

    id: int
    place: Position
    area: str
    opened_at: datetime
    event_at: datetime
    matters: tuple[Matter, ...]
    drill: bool
    enterprise: str = ""
    accepted_at: datetime | None = None
    ended_at: datetime | None = None
    outcome: str | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """The `number`-th message about a case, from 1; `kind` is CAP's msgType."""

    case: AlertedCase
    number: int
    kind: str
    sent_at: datetime
    severity: int

    @property
    def identifier(self) -> str:
        return f"FW-{self.case.id}-{self.number}"

    @property
    def kinds(self) -> tuple[str, ...]:
        """As far as was known when it was sent: a message never changes."""
        known = (m.kind for m in self.case.matters if m.found_at <= self.sent_at)
        return tuple(dict.fromkeys((self.case.matters[0].kind, *known)))


def messages(case: AlertedCase) -> list[Message]:
    """All so far: the alert, an update for each matter that joined, and at the end an update, or a cancel of a false alarm.

    They are a function of the case, so that whoever asks again gets the same ones.
    """
    first, *joined = case.matters
    steps = [("Alert", case.opened_at, first.severity)]
    worst = first.severity
    for matter in sorted(joined, key=lambda m: m.found_at):
        worst = max(worst, matter.severity)
        steps.append(("Update", max(matter.found_at, steps[-1][1]), worst))
    if case.ended_at is not None:
        kind = "Cancel" if case.outcome == FALSE_ALARM else "Update"
        steps.append((kind, max(case.ended_at, steps[-1][1]), worst))
    return [Message(case, number, *step) for number, step in enumerate(steps, 1)]


def is_last(message: Message) -> bool:
    return message.case.ended_at is not None and message.number == len(messages(message.case))


def render(message: Message, earlier: Sequence[Message], *, sender: str, web: str) -> bytes:
    """The message as XML. `sender` names the bureau's service, `web` is where a person reads on."""
    case, name = message.case, sender_of(sender)
    alert = ET.Element("alert", {"xmlns": NAMESPACE})
    _add(alert, "identifier", message.identifier)
    _add(alert, "sender", name)
    _add(alert, "sent", stamp(message.sent_at))
    _add(alert, "status", "Exercise" if case.drill else "Actual")
    _add(alert, "msgType", message.kind)
    _add(alert, "scope", "Restricted")
    _add(alert, "restriction", "environmental authorities and those they name")
    if case.drill:
        _add(alert, "note", "演练 / exercise")
    if earlier:
        _add(alert, "references", " ".join(f"{name},{m.identifier},{stamp(m.sent_at)}" for m in earlier))
    for place, language in enumerate(("zh-CN", "en")):
        _info(alert, message, language, place, web)
    text: bytes = ET.tostring(alert, encoding="utf-8")
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + text


def _info(alert: ET.Element, message: Message, language: str, place: int, web: str) -> None:
    """In the schema's order."""
    case, over = message.case, is_last(message)
    event = " / ".join(EVENTS.get(kind, (kind, kind))[place] for kind in message.kinds)
    drill = (("【演练】", "EXERCISE: ")[place]) if case.drill else ""
    info = ET.SubElement(alert, "info")
    _add(info, "language", language)
    _add(info, "category", "Env")
    _add(info, "event", event)
    _add(info, "responseType", "AllClear" if over else "Assess")
    _add(info, "urgency", _urgency(message, over=over))
    _add(info, "severity", SEVERITY.get(message.severity, "Unknown"))
    _add(info, "certainty", _certainty(message))
    _add(info, "effective", stamp(message.sent_at))
    _add(info, "onset", stamp(case.event_at))
    _add(info, "senderName", "Farwatch")
    _add(info, "headline", f"{drill}{event}{('：', ': ')[place]}{case.enterprise or case.area}")
    _add(info, "web", web)
    area = ET.SubElement(info, "area")
    _add(area, "areaDesc", case.area)
    _add(area, "circle", f"{case.place.lat:.6f},{case.place.lon:.6f} {RADIUS_KM}")


def _urgency(message: Message, *, over: bool) -> str:
    """Immediate until somebody is on the way."""
    accepted_at = message.case.accepted_at
    if over:
        return "Past"
    return "Expected" if accepted_at is not None and accepted_at <= message.sent_at else "Immediate"


def _certainty(message: Message) -> str:
    """Before anybody was there a finding is likely; handled as what it was, observed; a false alarm, unlikely."""
    if not is_last(message):
        return "Likely"
    return {"handled": "Observed", FALSE_ALARM: "Unlikely"}.get(message.case.outcome or "", "Possible")


def sender_of(name: str) -> str:
    """CAP's names have no blanks, commas, `<` or `&`."""
    return _NOT_IN_NAMES.sub("_", name) or "farwatch"


def stamp(at: datetime) -> str:
    """Whole seconds with an offset, as CAP wants them."""
    return at.astimezone(CITY).isoformat(timespec="seconds")


def _add(to: ET.Element, name: str, text: str) -> None:
    """XML has no place for most control characters."""
    ET.SubElement(to, name).text = _NOT_XML.sub("\ufffd", text)
