"""What is kept may be called evidence once two persons have confirmed it as it is."""

import asyncio
import threading
import uuid
from pathlib import Path
from typing import Any

import pytest

from alerting.case_review import Verdict, Wish, review
from farwatch.storage import case_reviews, evidence
from farwatch.storage.blobs import BlobStore
from farwatch.storage.database import Pool, transaction
from farwatch.storage.evidence import Evidence, EvidenceKind, EvidenceState


class Cases:
    def __init__(self, pool: Pool, blobs: BlobStore) -> None:
        self.pool, self.blobs = pool, blobs

    async def task(self, state: str = "handled") -> int:
        task: int = await self.pool.fetchval(
            "INSERT INTO tasks (state, severity, lat, lon, opened_at, policy) VALUES ($1, 2, 30, 120, now(), '{}') RETURNING id",
            state,
        )
        return task

    async def photo(self, task: int, state: EvidenceState = EvidenceState.STORED) -> str:
        """The SHA-256 of a new piece."""
        id_ = uuid.uuid4()
        kept = self.blobs.put_bytes(id_.bytes)
        stored: dict[str, Any] = {"sha256": kept.sha256, "sm3": kept.sm3, "size_bytes": 16}
        reason = "camera_lost" if state is EvidenceState.LOST else None
        piece = Evidence(
            id=id_, kind=EvidenceKind.PHOTO, state=state, media_type="image/jpeg", task_id=task, reason=reason,
            **(stored if state is EvidenceState.STORED else {}),
        )  # fmt: skip
        async with transaction(self.pool) as connection:
            await evidence.add(connection, piece)
        return kept.sha256

    async def review(
        self, task: int, part: str, who: str, verdict: Verdict = Verdict.PASSED, note: str = ""
    ) -> str | None:
        """The key of the refusal."""
        why = await review(self.pool, self.blobs, task, Wish(part, verdict, who, note))
        return why.key if why else None

    async def status(self, task: int) -> str:
        return await case_reviews.status(self.pool, task)

    async def told(self, type: str) -> list[dict[str, Any]]:
        rows = await self.pool.fetch(
            "SELECT event FROM event_queue WHERE event->>'type' = $1 ORDER BY id", type
        )
        return [r["event"] for r in rows]


@pytest.fixture
def cases(pool: Pool, tmp_path: Path) -> Cases:
    return Cases(pool, BlobStore(tmp_path / "evidence"))


async def test_two_persons_make_a_case_evidence_and_the_log_says_who_and_of_what(cases: Cases) -> None:
    task = await cases.task()
    await cases.photo(task)
    await cases.photo(task, EvidenceState.LOST)
    assert await cases.status(task) == "none"
    assert await cases.review(task, "legal", "bo") is None
    assert await cases.status(task) == "in_review"
    assert await cases.review(task, "technical", "ada") is None
    assert await cases.status(task) == "evidence"
    reviewed = await cases.told("case_reviewed")
    assert [(e["actor"], e["part"], e["verdict"]) for e in reviewed] == [
        ("bo", "legal", "passed"),
        ("ada", "technical", "passed"),
    ]
    assert len({e["pieces"] for e in reviewed}) == 1
    assert [(e["before"], e["status"]) for e in await cases.told("case_status")] == [
        ("none", "in_review"),
        ("in_review", "evidence"),
    ]


async def test_one_person_is_not_two(cases: Cases) -> None:
    task = await cases.task()
    await cases.photo(task)
    assert await cases.review(task, "legal", "bo") is None
    assert await cases.review(task, "technical", "bo") == "same_reviewer"
    assert await cases.review(task, "legal", "ada") == "already_reviewed"
    assert await cases.review(task, "legal", "bo", Verdict.WITHDRAWN, "wrong case") is None
    assert await cases.status(task) == "none"
    assert await cases.review(task, "technical", "bo") is None


@pytest.mark.parametrize("state", ["open", "offered", "accepted", "arrived"])
async def test_a_visit_that_is_not_over_cannot_be_reviewed(cases: Cases, state: str) -> None:
    task = await cases.task(state)
    await cases.photo(task)
    assert await cases.review(task, "legal", "bo") == "wrong_state"


async def test_a_case_with_a_piece_to_come_or_none_at_all_cannot_be_reviewed(cases: Cases) -> None:
    task = await cases.task()
    assert await cases.review(task, "legal", "bo") == "no_evidence"
    await cases.photo(task)
    await cases.photo(task, EvidenceState.PENDING)
    assert await cases.review(task, "legal", "bo") == "evidence_pending"
    assert await cases.review(999, "legal", "bo") == "not_found"


async def test_a_changed_or_missing_byte_stops_the_review(cases: Cases) -> None:
    task = await cases.task()
    path = cases.blobs.path(await cases.photo(task))
    path.chmod(0o600)
    content = path.read_bytes()
    path.write_bytes(bytes([content[0] ^ 1]) + content[1:])
    assert await cases.review(task, "legal", "bo") == "hash_differs"
    path.unlink()
    assert await cases.review(task, "legal", "bo") == "hash_differs"


async def test_a_second_hash_that_does_not_fit_stops_the_review_too(cases: Cases) -> None:
    task = await cases.task()
    await cases.photo(task)
    await cases.pool.execute("UPDATE evidence SET sm3 = repeat('0', 64)")
    assert await cases.review(task, "technical", "bo") == "hash_differs"
    await cases.pool.execute("UPDATE evidence SET sm3 = NULL")
    assert await cases.review(task, "technical", "bo") is None, "old rows have but one"


async def test_a_rejection_and_a_withdrawal_say_why(cases: Cases) -> None:
    task = await cases.task()
    await cases.photo(task)
    assert await cases.review(task, "legal", "bo", Verdict.REJECTED) == "note_needed"
    assert await cases.review(task, "legal", "bo", Verdict.REJECTED, "no plate to be read") is None
    assert await cases.status(task) == "rejected"
    assert await cases.review(task, "legal", "bo", Verdict.WITHDRAWN) == "note_needed"
    assert await cases.review(task, "legal", "ada", Verdict.WITHDRAWN, "plate found in the clip") is None
    assert await cases.review(task, "legal", "ada", Verdict.WITHDRAWN, "again") == "no_review"
    assert await cases.status(task) == "none"


async def test_a_piece_that_comes_later_puts_the_case_back_into_review_and_both_look_again(
    cases: Cases,
) -> None:
    task = await cases.task()
    await cases.photo(task)
    for part, who in (("legal", "bo"), ("technical", "ada")):
        assert await cases.review(task, part, who) is None
    await cases.photo(task)
    assert await cases.status(task) == "in_review"
    assert (await case_reviews.note_overtaken(cases.pool), await case_reviews.note_overtaken(cases.pool)) == (
        1,
        0,
    )
    assert (await cases.told("case_status"))[-1]["overtaken"] == ["legal", "technical"]
    assert await cases.review(task, "legal", "ada") is None, "the parts may change hands"
    assert await cases.status(task) == "in_review"
    assert await cases.review(task, "technical", "bo") is None
    assert await cases.status(task) == "evidence"


async def test_a_purge_by_quota_leaves_what_was_confirmed_confirmed(cases: Cases) -> None:
    task = await cases.task()
    await cases.photo(task)
    for part, who in (("legal", "bo"), ("technical", "ada")):
        assert await cases.review(task, part, who) is None
    await cases.pool.execute("UPDATE evidence SET state = 'purged', purged_at = now(), reason = 'retention'")
    assert await cases.status(task) == "evidence"


async def test_a_piece_that_comes_while_the_hashes_are_read_is_not_confirmed_unseen(cases: Cases) -> None:
    task = await cases.task()
    await cases.photo(task)

    class Slow(BlobStore):
        """While it reads, a photo comes in."""

        def digests(self, sha256: str) -> Any:
            came.set()
            assert gone.wait(20)
            return super().digests(sha256)

    came, gone = threading.Event(), threading.Event()
    slow = Slow(cases.blobs.path("0" * 64).parents[1])
    async with asyncio.TaskGroup() as group:
        reviewing = group.create_task(review(cases.pool, slow, task, Wish("legal", Verdict.PASSED, "bo")))
        await asyncio.to_thread(came.wait, 20)
        await cases.photo(task)
        gone.set()
    why = reviewing.result()
    assert why is not None
    assert why.key == "evidence_changed"
