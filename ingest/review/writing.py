"""What a review writes, in its own transaction."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from farwatch.domain.finding import Finding
from farwatch.domain.reading import ReadingKind
from farwatch.domain.review import DUE_AFTER, Period, ReviewOutcome, period_of
from farwatch.storage import evidence, findings, review_due, reviews
from farwatch.storage.database import Connection


async def write(
    connection: Connection,
    mn: str,
    ids: Mapping[str, int],
    period: Period,
    outcome: ReviewOutcome,
    now: datetime,
) -> int:
    """Verdicts, findings with the curve that will be their evidence, ends; an hour that changed calls for its day. Returns
    how many verdicts are new or changed."""
    changed = await reviews.write(connection, ids, outcome.verdicts, now)
    await write_findings(connection, outcome.findings)
    await findings.end_findings(connection, outcome.ended)
    if changed and period.kind is ReadingKind.HOUR:
        day = period_of(ReadingKind.DAY, period.ts)
        due_at = max(now, day.until + DUE_AFTER[ReadingKind.DAY])
        await review_due.mark(connection, [((mn, ReadingKind.DAY, day.ts), due_at)])
    return changed


async def write_findings(connection: Connection, found: Sequence[Finding]) -> None:
    """Each once, those with a channel with the curve that will be their evidence."""
    new = set(await findings.insert_findings(connection, found))
    await findings.stand_again(connection, [f.id for f in found if f.id not in new])
    for finding in found:
        if finding.id in new and finding.code is not None:
            await evidence.add(
                connection,
                evidence.Evidence(
                    id=evidence.evidence_id(finding.id, evidence.EvidenceKind.READINGS),
                    kind=evidence.EvidenceKind.READINGS,
                    state=evidence.EvidenceState.PENDING,
                    media_type="application/json",
                    finding_id=finding.id,
                ),
            )
