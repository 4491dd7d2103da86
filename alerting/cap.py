"""Cases as messages of the Common Alerting Protocol 1.2 (OASIS): an alert, its updates, and what takes it back. Pure.

Urgency, severity and certainty come from the tables below; `docs/reference/feeds.md` says why.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
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
TOLD_BY = (
    "task_opened", "matter_joined", "finding_folded", "matter_confirmed", "task_accepted", "task_handled", "task_closed",
)  # fmt: skip
"""Types of the log's entries that messages are made of."""
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NOT_IN_NAMES = re.compile(r"[\s,<&]")


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of the case's log, of a type in TOLD_BY."""

    at: datetime
    event: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertedCase:
    """`log` in its order: it only grows. `event_at` is the first matter's."""

    id: int
    place: Position
    area: str
    event_at: datetime
    log: Sequence[Entry]
    drill: bool
    enterprise: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """The `number`-th message about a case, from 1, with what was known then; `kind` is CAP's msgType. `outcome` is that of a
    case with which nothing is left to do, None before."""

    case: AlertedCase
    number: int
    kind: str
    sent_at: datetime
    severity: int
    kinds: tuple[str, ...] = ()
    accepted: bool = False
    outcome: str | None = None

    @property
    def identifier(self) -> str:
        return f"FW-{self.case.id}-{self.number}"


def messages(case: AlertedCase) -> list[Message]:
    """All so far: the alert, an update for each matter that joined or made it worse, and at the end an update, or a cancel of a
    false alarm. Where it became worse after its end, what ends it comes once more.

    An entry of the log adds a message or none, and changes none before: a number names one message for good.
    """
    sent: list[Message] = []
    before = Message(case=case, number=0, kind="", sent_at=case.event_at, severity=0)
    for entry in case.log:
        known = _known(before, entry.event)
        if kind := _kind(before, known, entry.event["type"]):
            known = replace(known, kind=kind, number=before.number + 1, sent_at=entry.at)
            sent.append(known)
        before = known
    return sent


def _known(before: Message, event: Mapping[str, Any]) -> Message:
    """What is known after an entry."""
    worse = max(before.severity, event.get("severity", 0))
    kinds = (*before.kinds, *event.get("kinds", ()), *([event["kind"]] if "kind" in event else ()))
    known = replace(before, severity=worse, kinds=tuple(dict.fromkeys(kinds)))
    if worse > before.severity or event["type"] == "matter_joined":
        known = replace(known, outcome=None)
    match event["type"]:
        case "task_accepted":
            return replace(known, accepted=True)
        case "task_handled" | "task_closed":
            return replace(known, outcome=event.get("outcome") or "")
        case _:
            return known


def _kind(before: Message, known: Message, type: str) -> str:
    """CAP's msgType of what is worth a message, empty for what is not."""
    if before.number == 0:
        return "Alert" if type == "task_opened" else ""
    if known.outcome is not None and before.outcome is None:
        return "Cancel" if known.outcome == FALSE_ALARM else "Update"
    return "Update" if type == "matter_joined" or known.severity > before.severity else ""


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
    case, over = message.case, message.outcome is not None
    event = " / ".join(EVENTS.get(kind, (kind, kind))[place] for kind in message.kinds)
    drill = (("【演练】", "EXERCISE: ")[place]) if case.drill else ""
    info = ET.SubElement(alert, "info")
    _add(info, "language", language)
    _add(info, "category", "Env")
    _add(info, "event", event)
    _add(info, "responseType", "AllClear" if over else "Assess")
    _add(info, "urgency", _urgency(message))
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


def _urgency(message: Message) -> str:
    """Immediate until somebody is on the way."""
    if message.outcome is not None:
        return "Past"
    return "Expected" if message.accepted else "Immediate"


def _certainty(message: Message) -> str:
    """Before anybody was there a finding is likely; handled as what it was, observed; a false alarm, unlikely."""
    if message.outcome is None:
        return "Likely"
    return {"handled": "Observed", FALSE_ALARM: "Unlikely"}.get(message.outcome, "Possible")


def sender_of(name: str) -> str:
    """CAP's names have no blanks, commas, `<` or `&`."""
    return _NOT_IN_NAMES.sub("_", name) or "farwatch"


def stamp(at: datetime) -> str:
    """Whole seconds with an offset, as CAP wants them."""
    return at.astimezone(CITY).isoformat(timespec="seconds")


def _add(to: ET.Element, name: str, text: str) -> None:
    """XML has no place for most control characters."""
    ET.SubElement(to, name).text = _NOT_XML.sub("\ufffd", text)
