"""The desk of a share on another machine: promised, sent, then stored; or lost by name, and never in the way."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from farwatch.domain.finding import Finding, Kind, Reason, Severity, Tier
from farwatch.domain.place import Position
from farwatch.domain.share import Share
from farwatch.runtime.clock import SystemClock
from farwatch.storage import evidence, worker_tokens
from farwatch.storage.blobs import BlobStore, live_still_path
from farwatch.storage.database import Pool
from farwatch.storage.evidence import Evidence, EvidenceKind, EvidenceState
from ingest.cameras import sending
from ingest.cameras.desk import Found
from ingest.cameras.sending import SendingDesk
from ingest.cameras.server_line import RefusedError, ServerAddress, ServerLine
from ingest.cameras.showing import Showing, show
from ingest.cameras.standing import Standing
from tests.support.waiting import until
from tests.support.web_house import House, a_city, served

AT = datetime(2026, 11, 22, 8, tzinfo=UTC)
PICTURE = b"\xff\xd8\xff a picture"
FOUND = Finding(
    rule="smoke", kind=Kind.SMOKE, tier=Tier.VIOLATION, place=Position(30.5, 120.5), onset_at=AT, severity=Severity.MAJOR,
    reason=Reason("smoke_seen", {"share": 0.2}), camera="c1", zone="stack",
)  # fmt: skip


@dataclass
class Line:
    """A server that may be away, refuse, or be slow."""

    errors: list[Exception] = field(default_factory=list)
    asked: int = 0
    open: threading.Event = field(default_factory=threading.Event)
    taken: dict[str, bytes] = field(default_factory=dict)

    def put_evidence(self, sha256: str, chunks: Iterable[bytes], size_bytes: int) -> None:
        self.asked += 1
        self.open.wait(10)
        if self.errors:
            raise self.errors[0] if len(self.errors) == 1 else self.errors.pop(0)
        self.taken[sha256] = b"".join(chunks)
        assert len(self.taken[sha256]) == size_bytes

    def close(self) -> None:
        pass


@pytest.fixture
def line() -> Line:
    return Line()


@pytest.fixture
def blobs(tmp_path: Path) -> BlobStore:
    return BlobStore(tmp_path / "outgoing")


@pytest.fixture
def desk(pool: Pool, blobs: BlobStore, line: Line, monkeypatch: pytest.MonkeyPatch) -> SendingDesk:
    monkeypatch.setattr(sending, "FIRST_RETRY_S", 0.02)
    return SendingDesk(pool, blobs, lambda: line, Standing(), SystemClock())  # type: ignore[arg-type]


@asynccontextmanager
async def at_work(desk: SendingDesk) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(desk.run()), group.create_task(desk.send())]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()


def found(blobs: BlobStore, content: bytes = PICTURE) -> Found:
    kept = blobs.put_bytes(content)
    still = Evidence(
        id=evidence.evidence_id(FOUND.id, EvidenceKind.STILL), finding_id=FOUND.id, kind=EvidenceKind.STILL,
        state=EvidenceState.STORED, media_type="image/jpeg", camera="c1", captured_at=AT, meta={"width": 320},
        sha256=kept.sha256, sm3=kept.sm3, size_bytes=len(content),
    )  # fmt: skip
    return Found(FOUND, (still,))


async def still(pool: Pool) -> Evidence | None:
    async with pool.acquire() as connection:
        return next(iter(await evidence.of_findings(connection, [FOUND.id])), None)


async def still_becomes(pool: Pool, state: str) -> Evidence:
    row = await until(lambda: still(pool), lambda row: row is not None and row.state == state)
    assert row
    return row


async def test_a_finding_is_written_before_its_picture_is_sent_which_then_is_let_go_here(
    pool: Pool, desk: SendingDesk, blobs: BlobStore, line: Line
) -> None:
    async with at_work(desk):
        desk.submit(found(blobs))
        promised = await still_becomes(pool, "pending")
        assert (promised.sha256, dict(promised.meta)) == (None, {"width": 320})
        assert not desk.is_empty
        line.open.set()
        kept = await still_becomes(pool, "stored")
        await until(lambda: asyncio.sleep(0, desk.is_empty), bool)
    assert kept.sha256 is not None
    assert (line.taken[kept.sha256], kept.size_bytes, kept.captured_at) == (PICTURE, len(PICTURE), AT)
    assert list(blobs.all()) == []


async def test_a_server_that_is_away_for_a_moment_costs_nothing(
    pool: Pool, desk: SendingDesk, blobs: BlobStore, line: Line
) -> None:
    line.errors = [ConnectionRefusedError(), RefusedError(503, "database_away"), TimeoutError(), OSError()]
    line.open.set()
    async with at_work(desk):
        desk.submit(found(blobs))
        await until(lambda: asyncio.sleep(0, line.asked), lambda n: n >= 4)
        line.errors = []
        await still_becomes(pool, "stored")


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ConnectionRefusedError(), "upload_failed"),
        (RefusedError(401, "bad_worker_token"), "upload_failed"),
        (RefusedError(507, "disk_full"), "disk_full"),
    ],
)
async def test_what_cannot_be_sent_in_time_is_lost_by_name_and_let_go(
    pool: Pool,
    desk: SendingDesk,
    blobs: BlobStore,
    line: Line,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    reason: str,
) -> None:
    monkeypatch.setattr(sending, "SEND_WITHIN_S", 0.2)
    line.errors = [error]
    line.open.set()
    async with at_work(desk):
        desk.submit(found(blobs))
        assert (await still_becomes(pool, "lost")).reason == reason
        await until(lambda: asyncio.sleep(0, desk.is_empty), bool)
    assert list(blobs.all()) == []


async def test_when_too_much_waits_the_newest_is_lost(
    pool: Pool, desk: SendingDesk, blobs: BlobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "MOST_UNSENT", 0)
    async with at_work(desk):
        desk.submit(found(blobs))
        assert (await still_becomes(pool, "lost")).reason == "upload_failed"


async def test_what_waits_is_sent_before_the_worker_ends(
    pool: Pool, desk: SendingDesk, blobs: BlobStore, line: Line
) -> None:
    async with at_work(desk):
        desk.submit(found(blobs))
        await until(lambda: asyncio.sleep(0, line.asked), bool)
    line.open.set()
    await desk.drain(3)
    assert (await still_becomes(pool, "stored")).size_bytes == len(PICTURE)


async def test_a_worker_ends_in_time_when_the_server_does_not_answer(
    pool: Pool, desk: SendingDesk, blobs: BlobStore, line: Line
) -> None:
    async with at_work(desk):
        desk.submit(found(blobs))
        await still_becomes(pool, "pending")
    async with asyncio.timeout(2):
        await desk.drain(1)
    line.open.set()


async def test_a_piece_whose_bytes_were_being_let_go_when_the_worker_ended_is_not_waited_for(
    pool: Pool,
    desk: SendingDesk,
    blobs: BlobStore,
    line: Line,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    letting_go, go_on = threading.Event(), threading.Event()
    remove = blobs.remove

    def slowly(sha256: str, *, older_than: datetime) -> bool:
        letting_go.set()
        go_on.wait(10)
        return remove(sha256, older_than=older_than)

    monkeypatch.setattr(blobs, "remove", slowly)
    line.open.set()
    async with at_work(desk):
        desk.submit(found(blobs))
        await until(lambda: asyncio.sleep(0, letting_go.is_set()), bool)
    go_on.set()
    await desk.drain(1)
    assert (await still_becomes(pool, "stored")).size_bytes == len(PICTURE)
    assert [record.message for record in caplog.records if "not sent" in record.message] == []


async def test_over_a_real_connection_bytes_and_pictures_arrive_and_refusals_have_their_names(
    pool: Pool, tmp_path: Path
) -> None:
    await a_city(pool)
    house = House(pool, tmp_path / "server")
    (tmp_path / "server").mkdir()
    _, token = await worker_tokens.add(pool, [Share(0, 2), Share(1, 2)])
    here = BlobStore(tmp_path / "outgoing")
    async with served(house.app) as url:
        desk = SendingDesk(
            pool, here, lambda: ServerLine(ServerAddress(url, token)), Standing(), SystemClock()
        )
        async with at_work(desk):
            desk.submit(found(here, b"\xff\xd8\xff" + bytes(3_000_000)))
            kept = await still_becomes(pool, "stored")
        assert kept.sha256
        assert house.deps.blobs.verify(kept.sha256)
        line, wrong = ServerLine(ServerAddress(url, token)), ServerLine(ServerAddress(url, "guess"))
        assert await asyncio.to_thread(line.shares) == ["1/2", "2/2"]
        with pytest.raises(RefusedError, match="401 bad_worker_token"):
            await asyncio.to_thread(wrong.shares)
        with pytest.raises(RefusedError, match="404 not_found"):
            await asyncio.to_thread(line.put_live, "no such camera", PICTURE)
        source = tmp_path / "worker"
        live_still_path(source, "c1").parent.mkdir(parents=True)
        async with asyncio.TaskGroup() as group:
            showing = group.create_task(
                show(source, lambda: ["c1"], lambda: ServerLine(ServerAddress(url, token)), Standing())
            )
            live_still_path(source, "c1").write_bytes(PICTURE)
            arrived = live_still_path(house.deps.data_dir, "c1")
            await until(lambda: asyncio.sleep(0, arrived.exists()), bool)
            showing.cancel()
        assert arrived.read_bytes() == PICTURE
        line.close()
        wrong.close()


def test_a_picture_is_shown_once_and_who_waited_longest_comes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.cameras.showing.MOST_A_SECOND", 2)
    (tmp_path / "live").mkdir()
    for camera in "abc":
        live_still_path(tmp_path, camera).write_bytes(camera.encode())
    showing = Showing(tmp_path)
    rounds = [sorted(showing.newer("abcd")) for _ in range(3)]
    assert rounds == [["a", "b"], ["c"], []]
