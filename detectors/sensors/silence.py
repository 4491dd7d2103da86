"""Stations that have spoken before and say nothing any more: a fault of equipment or line, never a violation. Pure.

Stations that share a gateway, and fall silent together with it, are one finding for the group and none each. They share
one when the registry gives them the same `source` address (that their frames come from); without such an address, when they
belong to the same enterprise: its loggers stand in one house, behind one router. It is the gateway only if nobody behind it
still speaks, and if they went within a short time of each other.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from farwatch.domain.finding import Finding, FindingEnded, Kind, Param, Reason, Severity, Tier, finding_id
from farwatch.domain.judging import Outcome, Voice
from farwatch.domain.registry import Station

RULE = "station_silent"
GATEWAY_RULE = "gateway_silent"
VERSION = "silence/2"

TOGETHER_WITHIN = timedelta(minutes=10)
"""A minute sender and one of ten minutes fall silent with their gateway as far apart; at most half of the time after
which a station is silent, so that who still speaks is known by then."""


def judge_silence(
    voices: Mapping[str, Voice], *, after: timedelta, listening_since: datetime, now: datetime
) -> Outcome:
    """Who fell silent, and who speaks again.

    A station is silent when it was not heard for `after` while we listened: `listening_since` is when the broker's
    session last began, so that an outage of ours is never blamed on it. After a gateway's return its stations get the full
    time again.
    """
    findings: list[Finding] = []
    ended: list[FindingEnded] = []
    for group in _groups(voices.values()):
        found, over = _judge_group(group, after, listening_since, now)
        findings += found
        ended += over
    return Outcome(tuple(findings), tuple(ended))


def _groups(voices: Iterable[Voice]) -> list[list[Voice]]:
    """In order of MN; drills never mix with the city's own."""
    groups: dict[tuple[str, str, bool], list[Voice]] = {}
    for voice in sorted(voices, key=lambda v: v.station.mn):
        groups.setdefault(_gateway(voice.station), []).append(voice)
    return list(groups.values())


def _gateway(station: Station) -> tuple[str, str, bool]:
    """A network (CIDR) as source is an operator's, not one gateway's."""
    address, _, length = station.source.partition("/")
    if address and length in ("", "32", "128"):
        return "source", address, station.drill
    return "enterprise", station.enterprise, station.drill


def _judge_group(
    group: Sequence[Voice], after: timedelta, listening_since: datetime, now: datetime
) -> tuple[list[Finding], list[FindingEnded]]:
    ended = [
        _end(RULE, v, v.silent_since, v.heard_at)
        for v in group
        if v.silent_since and v.heard_at > v.silent_since
    ]
    since = max(
        [listening_since, *(v.gateway_returned_at for v in group if v.gateway_returned_at is not None)]
    )
    for lead in group:
        if lead.gateway_silent_since is None:
            continue
        back = [v.heard_at for v in group if v.heard_at > lead.gateway_silent_since + _spread(after)]
        if not back:
            return [], ended
        ended.append(_end(GATEWAY_RULE, lead, lead.gateway_silent_since, min(back)))
        since = max(since, *back)
    speaking = [v for v in group if v.silent_since is None]
    silent = [v for v in speaking if now - max(v.heard_at, since) > after]
    if len(speaking) > 1 and silent and _together(speaking, after):
        return [_gateway_finding(speaking, now)], ended
    return [_finding(v, now) for v in silent], ended


def _spread(after: timedelta) -> timedelta:
    return min(TOGETHER_WITHIN, after / 2)


def _together(voices: Sequence[Voice], after: timedelta) -> bool:
    heard = [v.heard_at for v in voices]
    return max(heard) - min(heard) <= _spread(after)


def _end(rule: str, voice: Voice, onset_at: datetime, ended_at: datetime) -> FindingEnded:
    return FindingEnded(finding_id(rule, Tier.FAULT, f"{voice.station.mn}/", onset_at), ended_at)


def _finding(voice: Voice, now: datetime) -> Finding:
    silent_s = round((now - voice.heard_at).total_seconds())
    return _found(RULE, voice.station, voice.heard_at, {"silent_s": silent_s})


def _gateway_finding(voices: Sequence[Voice], now: datetime) -> Finding:
    """On the first station of the group, from when the first of them fell silent."""
    onset_at = min(v.heard_at for v in voices)
    params: dict[str, Param] = {
        "silent_s": round((now - onset_at).total_seconds()),
        "stations": ",".join(v.station.mn for v in voices),
        "count": len(voices),
    }
    return _found(GATEWAY_RULE, voices[0].station, onset_at, params)


def _found(rule: str, station: Station, onset_at: datetime, params: Mapping[str, Param]) -> Finding:
    return Finding(
        rule=rule,
        kind=Kind.DATA_FAULT,
        tier=Tier.FAULT,
        place=station.place,
        onset_at=onset_at,
        severity=Severity.MINOR,
        reason=Reason(rule, params),
        enterprise=station.enterprise,
        station=station.mn,
        drill_id="standing" if station.drill else None,
        detector={"version": VERSION},
    )
