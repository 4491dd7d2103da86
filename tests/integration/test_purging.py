"""Evidence beyond its quota goes oldest first, by class; that of an open case never."""

import asyncio
import os
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from farwatch.domain.finding import Tier
from farwatch.domain.policy import EvidenceRule, NOfM
from farwatch.storage import case_reviews, evidence
from farwatch.storage.blobs import BlobStore
from farwatch.storage.database import Connection, Pool, transaction
from farwatch.storage.purging import Purged, purge
from tests.support.waiting import until_somebody_waits

NOW = datetime.now(UTC)  # noqa: TID251
MB = 1_000_000
LITTLE = EvidenceRule(closed_gb=0.1, recorded_gb=0.1, faults_gb=0.1, copies_gb=0.1)
YEARS = 10
NOTHING = EvidenceRule(closed_gb=0, recorded_gb=0, faults_gb=0, copies_gb=0)


@pytest.fixture
def blobs(tmp_path: Path) -> BlobStore:
    return BlobStore(tmp_path / "evidence")


class Rows:
    """Evidence of 60 MB a piece by its row, of a few bytes by its file; the n-th is n hours younger than the first."""

    def __init__(self, pool: Pool, blobs: BlobStore) -> None:
        self.pool, self.blobs, self.hours = pool, blobs, 0

    async def task(
        self, state: str, reopened_from: int | None = None, connection: Connection | None = None
    ) -> int:
        return await (connection or self.pool).fetchval(
            "INSERT INTO tasks (state, severity, lat, lon, opened_at, policy, reopened_from)"
            " VALUES ($1, 2, 30, 120, now(), '{}', $2) RETURNING id",
            state,
            reopened_from,
        )

    async def finding(
        self, task: int | None = None, *, tier: str = "violation", disposition: str | None = "recorded"
    ) -> uuid.UUID:
        found = uuid.uuid4()
        await self.pool.execute(
            "INSERT INTO findings (id, rule, kind, tier, fingerprint, camera, lat, lon, onset_at, severity, reason_key,"
            " reason_params, detector, late, disposition) VALUES ($1, 'smoke', 'smoke', $2, $3, 'c1', 30, 120, now(), 2,"
            " 'smoke_seen', '{}', '{}', false, $4)",
            found, tier, str(found), disposition,
        )  # fmt: skip
        if task is not None:
            matter = await self.pool.fetchval(
                "INSERT INTO matters (task_id, fingerprint, kind, event_at, found_at, severity, reason_key, reason_params)"
                " VALUES ($1, $2, 'smoke', now(), now(), 2, 'smoke_seen', '{}') RETURNING id",
                task,
                str(found),
            )
            await self.pool.execute("INSERT INTO matter_findings VALUES ($1, $2)", found, matter)
        return found

    async def piece(
        self,
        finding: uuid.UUID | None = None,
        *,
        task: int | None = None,
        kind: str = "clip",
        content: bytes | None = None,
        young: bool = False,
    ) -> uuid.UUID:
        self.hours += 1
        id_ = uuid.uuid4()
        sha256 = self.blobs.put_bytes(id_.bytes if content is None else content).sha256
        if not young:
            os.utime(self.blobs.path(sha256), (1000, 1000))
        await self.pool.execute(
            "INSERT INTO evidence (id, finding_id, task_id, kind, state, sha256, size_bytes, media_type, stored_at)"
            " VALUES ($1, $2, $3, $4, 'stored', $5, $6, 'video/mp4', $7)",
            id_, finding, task, kind, sha256, 60 * MB, NOW - timedelta(hours=1000 - self.hours),
        )  # fmt: skip
        return id_

    async def states(self, *ids: uuid.UUID) -> list[tuple[str, str | None, bool]]:
        """State, reason, and whether the bytes are there."""
        rows = [
            await self.pool.fetchrow("SELECT state, reason, sha256 FROM evidence WHERE id = $1", id_)
            for id_ in ids
        ]
        return [(r["state"], r["reason"], self.blobs.verify(r["sha256"])) for r in rows]


@pytest.fixture
def rows(pool: Pool, blobs: BlobStore) -> Rows:
    return Rows(pool, blobs)


KEPT = ("stored", None, True)
LATER = NOW + timedelta(hours=2)


@asynccontextmanager
async def purging_waits_for(rows: Rows, now: datetime) -> AsyncIterator[Connection]:
    """A transaction that a round of purging runs into; the round ends after it."""
    async with asyncio.TaskGroup() as group:
        async with transaction(rows.pool) as connection:
            yield connection
            group.create_task(purge(rows.pool, rows.blobs, NOTHING, YEARS, now))
            await until_somebody_waits(rows.pool)


async def test_the_oldest_of_each_class_goes_with_its_reason_and_the_newest_within_the_quota_stays(
    rows: Rows,
) -> None:
    closed = await rows.task("closed")
    classes = {
        "closed": {"finding": await rows.finding(closed)},
        "recorded": {"finding": await rows.finding()},
        "faults": {"finding": await rows.finding(tier="fault")},
        "copies": {"finding": await rows.finding(closed), "kind": "clip_copy"},
    }
    old = {name: await rows.piece(**of) for name, of in classes.items()}
    new = [await rows.piece(**of) for of in classes.values()]
    assert await purge(rows.pool, rows.blobs, LITTLE, YEARS, NOW) == Purged(4, 4 * 60 * MB)
    assert await rows.states(*old.values()) == [("purged", f"quota_{name}", False) for name in classes]
    assert await rows.states(*new) == [KEPT] * 4
    assert await purge(rows.pool, rows.blobs, LITTLE, YEARS, NOW) == Purged()
    events = await rows.pool.fetch(
        "SELECT event FROM event_queue WHERE event->>'type' = 'evidence_purged' ORDER BY id"
    )
    assert {e["event"]["evidence"]: (e["event"]["reason"], e["event"]["task"]) for e in events} == {
        str(old["closed"]): ("quota_closed", closed),
        str(old["recorded"]): ("quota_recorded", None),
        str(old["faults"]): ("quota_faults", None),
        str(old["copies"]): ("quota_copies", closed),
    }


async def test_evidence_of_an_open_case_never_goes_nor_counts(rows: Rows) -> None:
    closed, offered = await rows.task("closed"), await rows.task("offered")
    await rows.task("open", reopened_from=await rows.task("closed", reopened_from=closed))
    undecided, warned = await rows.finding(disposition=None), await rows.finding()
    await rows.pool.execute(
        "INSERT INTO warnings (finding_id, fingerprint, told_at, window_ends_at, state)"
        " VALUES ($1, 'f', now(), now(), 'open')",
        warned,
    )
    held = [
        await rows.piece(await rows.finding(closed)),
        await rows.piece(await rows.finding(offered)),
        await rows.piece(await rows.finding(offered, tier="fault")),
        await rows.piece(await rows.finding(offered), kind="clip_copy"),
        await rows.piece(task=offered, kind="photo"),
        await rows.piece(await rows.finding(await rows.task("closed")), kind="readings"),
        await rows.piece(undecided),
        await rows.piece(warned),
    ]
    assert await purge(rows.pool, rows.blobs, NOTHING, YEARS, NOW) == Purged()
    assert await rows.states(*held) == [KEPT] * len(held)
    await rows.pool.execute("UPDATE tasks SET state = 'closed'")
    assert (await purge(rows.pool, rows.blobs, NOTHING, YEARS, NOW)).rows == 5
    await rows.pool.execute(
        "UPDATE findings SET disposition = 'recorded'; UPDATE warnings SET state = 'cleared'"
    )
    assert (await purge(rows.pool, rows.blobs, NOTHING, YEARS, NOW)).rows == 2
    assert [state for state, *_ in await rows.states(*held)].count("stored") == 1, "the curve"


async def test_bytes_that_a_stored_row_names_stay_when_another_row_of_them_is_purged(rows: Rows) -> None:
    finding = await rows.finding()
    old = await rows.piece(finding, content=b"the same picture")
    new = await rows.piece(finding, content=b"the same picture")
    await purge(rows.pool, rows.blobs, LITTLE, YEARS, NOW)
    assert await rows.states(old, new) == [("purged", "quota_recorded", True), KEPT]


async def test_bytes_kept_a_moment_ago_wait_for_a_later_round(rows: Rows) -> None:
    finding = await rows.finding()
    old = await rows.piece(finding, young=True)
    await rows.piece(finding)
    assert await purge(rows.pool, rows.blobs, LITTLE, YEARS, NOW) == Purged(1, 0)
    assert await rows.states(old) == [("purged", "quota_recorded", True)]
    assert await evidence.purged_hashes(rows.pool) == (set(), {rows.blobs.put_bytes(old.bytes).sha256})
    assert (
        await purge(rows.pool, rows.blobs, LITTLE, YEARS, NOW + timedelta(hours=2))
    ).erased_bytes == 60 * MB
    assert await rows.states(old) == [("purged", "quota_recorded", False)]


async def test_a_round_that_was_killed_after_the_file_went_is_finished_by_the_next(rows: Rows) -> None:
    finding = await rows.finding()
    old = await rows.piece(finding)
    await rows.pool.execute(
        "UPDATE evidence SET state = 'purged', purged_at = now(), reason = 'quota_recorded' WHERE id = $1",
        old,
    )
    sha256 = await rows.pool.fetchval("SELECT sha256 FROM evidence WHERE id = $1", old)
    rows.blobs.path(sha256).unlink()
    await purge(rows.pool, rows.blobs, LITTLE, YEARS, NOW)
    assert await evidence.purged_hashes(rows.pool) == ({sha256}, set())


async def test_a_case_opened_again_while_its_evidence_is_purged_keeps_it(rows: Rows) -> None:
    closed = await rows.task("closed")
    piece = await rows.piece(await rows.finding(closed))
    async with purging_waits_for(rows, NOW) as connection:
        await connection.execute("UPDATE evidence SET meta = meta WHERE id = $1", piece)
        await rows.task("open", closed, connection)
    assert await rows.states(piece) == [KEPT]


async def test_a_case_opened_again_before_the_bytes_are_erased_keeps_them_also_where_a_closed_case_has_the_same(
    rows: Rows,
) -> None:
    closed, other = await rows.task("closed"), await rows.task("closed")
    pieces = [
        await rows.piece(await rows.finding(task), content=b"the same", young=True)
        for task in (other, closed, other)
    ]
    await rows.pool.execute(
        "INSERT INTO evidence (id, kind, state, media_type, derived_from)"
        " VALUES (gen_random_uuid(), 'clip_copy', 'pending', 'video/mp4', $1)",
        pieces[1],
    )
    copy_ = "SELECT state, reason FROM evidence WHERE derived_from IS NOT NULL"
    assert await purge(rows.pool, rows.blobs, NOTHING, YEARS, NOW) == Purged(3, 0)
    assert tuple(await rows.pool.fetchrow(copy_)) == ("lost", "original_purged")
    await rows.task("open", await rows.task("closed", closed))
    assert await purge(rows.pool, rows.blobs, NOTHING, YEARS, LATER) == Purged(0, 2 * 60 * MB, put_back=1)
    gone = ("purged", "quota_closed", True)
    assert await rows.states(*pieces) == [gone, KEPT, gone]
    assert tuple(await rows.pool.fetchrow(copy_)) == ("pending", None)


async def test_who_opens_a_case_again_and_who_erases_its_bytes_wait_for_each_other(rows: Rows) -> None:
    closed = await rows.task("closed")
    piece = await rows.piece(await rows.finding(await rows.task("closed", closed)), young=True)
    again = await rows.piece(await rows.finding(closed), young=True)
    await purge(rows.pool, rows.blobs, NOTHING, YEARS, NOW)
    last = await rows.pool.fetchval("SELECT max(id) FROM tasks")
    async with purging_waits_for(rows, LATER) as connection:
        await rows.task("open", last, connection)
    assert await rows.states(piece, again) == [KEPT, KEPT]


async def test_bytes_that_went_before_the_case_was_opened_again_are_told_as_gone(rows: Rows) -> None:
    closed = await rows.task("closed")
    piece = await rows.piece(await rows.finding(closed), young=True)
    await purge(rows.pool, rows.blobs, NOTHING, YEARS, NOW)
    rows.blobs.path((await evidence.purged_hashes(rows.pool))[1].pop()).unlink()
    await rows.task("open", closed)
    assert await purge(rows.pool, rows.blobs, NOTHING, YEARS, LATER) == Purged(0, 60 * MB)
    assert await rows.states(piece) == [("purged", "quota_closed", False)]


async def test_a_round_puts_back_what_a_killed_one_took_off_the_shelf(rows: Rows) -> None:
    piece = await rows.piece(await rows.finding(await rows.task("open")))
    sha256 = await rows.pool.fetchval("SELECT sha256 FROM evidence")
    with rows.blobs.scratch(f".{sha256}") as taken:
        rows.blobs.path(sha256).rename(taken)
        await purge(rows.pool, rows.blobs, NOTHING, YEARS, LATER)
    assert await rows.states(piece) == [KEPT]


@pytest.mark.parametrize("name", ["zz", "../../../etc/passwd"])
async def test_a_row_whose_name_is_no_hash_is_purged_and_stops_no_round(
    pool: Pool, rows: Rows, name: str
) -> None:
    bad, well = await rows.piece(), await rows.piece()
    await pool.execute("UPDATE evidence SET sha256 = $2 WHERE id = $1", bad, name)
    await purge(pool, rows.blobs, NOTHING, YEARS, LATER)
    assert await rows.states(well) == [("purged", "quota_recorded", False)]
    told = await pool.fetch(
        "SELECT event ->> 'evidence' AS id FROM event_queue WHERE event ->> 'type' = 'evidence_purged'"
    )
    assert {r["id"] for r in told} == {str(bad), str(well)}


async def test_what_a_silence_holds_back_is_kept_until_it_is_judged(pool: Pool, rows: Rows) -> None:
    silence = await pool.fetchval(
        "INSERT INTO silences (kind, enterprise, reason, made_by, made_at, from_at, to_at)"
        " VALUES ('silence', 'e1', 'works', 'bo', now(), now(), now() + interval '1 day') RETURNING id"
    )
    held, over = [await rows.finding(disposition="silenced") for _ in range(2)]
    await pool.execute("UPDATE findings SET silence_id = $1", silence)
    await pool.execute("UPDATE findings SET ended_at = now() WHERE id = $1", over)
    kept, gone = await rows.piece(held), await rows.piece(over)
    await purge(pool, rows.blobs, NOTHING, YEARS, LATER)
    assert await rows.states(kept, gone) == [KEPT, ("purged", "quota_recorded", False)]
    await pool.execute("UPDATE silences SET judged_at = now()")
    await purge(pool, rows.blobs, NOTHING, YEARS, LATER)
    assert await rows.states(kept) == [("purged", "quota_recorded", False)]


async def test_what_counts_towards_n_of_m_is_kept_as_long_as_its_rule_counts(pool: Pool, rows: Rows) -> None:
    new, old, of_another = [await rows.finding(disposition="counted") for _ in range(3)]
    for finding, hours in ((new, 47), (old, 49), (of_another, 1)):
        ago = timedelta(hours=hours)
        await pool.execute(
            "UPDATE findings SET found_at = found_at - $2::interval WHERE id = $1", finding, ago
        )
    await pool.execute("UPDATE findings SET rule = 'left_object' WHERE id = $1", of_another)
    pieces = [await rows.piece(finding) for finding in (new, old, of_another)]
    counting = (
        NOfM(rule="smoke", tier=Tier.VIOLATION, n=3, within_s=48 * 3600),
        NOfM(rule="left_object", tier=Tier.VIOLATION, n=2, within_s=1800),
    )
    await purge(pool, rows.blobs, NOTHING, YEARS, LATER, counting)
    gone = ("purged", "quota_recorded", False)
    assert await rows.states(*pieces) == [KEPT, gone, gone]


@pytest.mark.parametrize("verdicts", [("passed",), ("rejected",), ("passed", "passed")])
async def test_a_reviewed_case_is_no_quotas_also_if_a_piece_came_later_or_one_review_is_missing(
    pool: Pool, rows: Rows, verdicts: tuple[str, ...]
) -> None:
    task = await rows.task("closed")
    piece = await rows.piece(task=task)
    async with transaction(pool) as connection:
        digest = await connection.fetchval("SELECT case_pieces($1)", task)
        for verdict, part, who in zip(verdicts, ("legal", "technical"), ("bo", "chen"), strict=False):
            await case_reviews.add(
                connection, task, part=part, verdict=verdict, reviewer=who, note="", pieces=digest
            )
    late = await rows.piece(task=task)
    await purge(pool, rows.blobs, NOTHING, YEARS, LATER)
    assert await rows.states(piece, late) == [KEPT, KEPT]
    await pool.execute("UPDATE case_reviews SET withdrawn_at = now(), withdrawn_by = 'bo'")
    await purge(pool, rows.blobs, NOTHING, YEARS, LATER)
    assert await rows.states(piece) == [("purged", "quota_closed", False)]
