"""A station that has spoken before and says nothing any more: a fault of its equipment or line, never a violation. Pure."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from farwatch.domain.finding import Finding, FindingEnded, Kind, Reason, Severity, Tier, finding_id
from farwatch.domain.judging import Outcome, Voice

RULE = "station_silent"
VERSION = "silence/1"


def judge_silence(
    voices: Mapping[str, Voice], *, after: timedelta, listening_since: datetime, now: datetime
) -> Outcome:
    """Who fell silent, and who speaks again.

    A station is silent when it was not heard for `after` while we listened: `listening_since` is when the broker's
    session last began, so that an outage of ours is never blamed on it.
    """
    findings: list[Finding] = []
    ended: list[FindingEnded] = []
    for voice in voices.values():
        if voice.silent_since is not None:
            if voice.heard_at > voice.silent_since:
                subject = f"{voice.station.mn}/"
                ended.append(
                    FindingEnded(finding_id(RULE, Tier.FAULT, subject, voice.silent_since), voice.heard_at)
                )
        elif now - max(voice.heard_at, listening_since) > after:
            findings.append(_finding(voice, now))
    return Outcome(tuple(findings), tuple(ended))


def _finding(voice: Voice, now: datetime) -> Finding:
    station = voice.station
    return Finding(
        rule=RULE,
        kind=Kind.DATA_FAULT,
        tier=Tier.FAULT,
        place=station.place,
        onset_at=voice.heard_at,
        severity=Severity.MINOR,
        reason=Reason(RULE, {"silent_s": round((now - voice.heard_at).total_seconds())}),
        enterprise=station.enterprise,
        station=station.mn,
        drill_id="standing" if station.drill else None,
        detector={"version": VERSION},
    )
