"""Which ways a notice goes: groups of channels, the first at once, the next when nobody has heard. Pure."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from alerting.steps import CENTRE, CITY
from farwatch.domain.policy import NoticeRule
from farwatch.domain.registry import Registry

CONTACT = "contact"
"""In a group of NoticeRule: whatever channel the registry names for this officer or enterprise."""
HEARD = frozenset({"delivered", "seen", "accepted"})
TOOK = HEARD | {"sent"}

Groups = tuple[tuple[str, ...], ...]


class Audience(StrEnum):
    """Whom a notice is for; each has its own groups in NoticeRule, and nobody has any for who is in the registry no more."""

    OFFICER = "officer"
    LEAD = "lead"
    CENTRE = "centre"
    CITY = "city"
    ENTERPRISE = "enterprise"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Way:
    """One channel that a notice went to beside the page. `tried`: at least one attempt has ended."""

    channel: str
    state: str
    tried: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a page's notice has come: the group that is next, its own state, and the ways so far."""

    group_no: int
    state: str
    urgent: bool
    ways: tuple[Way, ...] = ()

    @property
    def heard(self) -> bool:
        return self.state in HEARD or any(way.state in HEARD for way in self.ways)


@dataclass(frozen=True, slots=True)
class Plan:
    """`send` to these channels; look again at `plan_at`. `unheard`: nobody could be told, and why."""

    send: tuple[str, ...]
    group_no: int
    plan_at: datetime | None
    unheard: str = ""


def audience_of(target: str, registry: Registry, *, warned: bool = False) -> Audience:
    """`warned`: it is told of a warning, as enterprises are; one may have the id of an officer."""
    if target == CENTRE:
        return Audience.CENTRE
    if target == CITY:
        return Audience.CITY
    if target in registry.officers and not warned:
        leads = {team.lead for team in registry.teams.values()}
        return Audience.LEAD if target in leads else Audience.OFFICER
    return Audience.ENTERPRISE if target in registry.enterprises else Audience.UNKNOWN


def groups_for(
    target: str, rule: NoticeRule, registry: Registry, known: Collection[str], *, warned: bool = False
) -> Groups:
    """Names of channels that have a credential, without the page. An empty group leaves the page its time; an enterprise has no
    page, and so no empty groups."""
    audience = audience_of(target, registry, warned=warned)
    if audience is Audience.UNKNOWN:
        return ((),)
    officer = None if audience is Audience.ENTERPRISE else registry.officers.get(target)
    one = officer or registry.enterprises.get(target)
    contact = one.contact_channel if one else ""
    groups: Groups = getattr(rule, audience)
    named = (tuple(contact if way == CONTACT else way for way in group) for group in groups)
    ways = tuple(tuple(dict.fromkeys(way for way in group if way in known)) for group in named)
    return tuple(group for group in ways if group) if audience is Audience.ENTERPRISE else ways


def plan(standing: Standing, groups: Sequence[tuple[str, ...]], fall_through_s: float, now: datetime) -> Plan:
    """What to do with a page's notice whose `plan_at` has come.

    The first group goes out whatever the page did; the next ones only while nobody has heard. Empty ones cost no time.
    """
    later = now + timedelta(seconds=fall_through_s)
    at = standing.group_no
    if at > 0 and standing.heard:
        return Plan((), at, None)
    used = {way.channel for way in standing.ways}
    while at < len(groups):
        send = tuple(channel for channel in groups[at] if channel not in used)
        at += 1
        if send or at == 1:
            return Plan(send, at, later if standing.urgent else None)
    if any(way.state in TOOK for way in standing.ways):
        return Plan((), at, None)
    if any(way.state == "queued" and not way.tried for way in standing.ways):
        return Plan((), at, later)
    return Plan((), at, None, unheard="all_failed" if standing.ways else "no_channel")
