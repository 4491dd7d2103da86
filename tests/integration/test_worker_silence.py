"""A share's worker that dies is told once, for all its cameras, and once when it is back."""

from datetime import datetime

from farwatch.domain.share import Share
from farwatch.storage import camera_status, heartbeats, worker_silence
from farwatch.storage.camera_status import CameraState, CameraStatus
from farwatch.storage.database import Pool, transaction
from tests.support.camera_house import register

ONE, TWO = Share(0, 2), Share(1, 2)


async def noted(pool: Pool) -> list[tuple[str, str, int]]:
    async with transaction(pool) as connection:
        await worker_silence.note(connection)
    rows = await pool.fetch(
        "SELECT event FROM event_queue WHERE event->>'type' LIKE 'camera_worker%' ORDER BY id"
    )
    return [(r["event"]["type"], r["event"]["share"], r["event"]["cameras"]) for r in rows]


async def say(
    pool: Pool, cameras: list[str], state: CameraState = CameraState.ONLINE, reason: str = ""
) -> None:
    async with transaction(pool) as connection:
        await camera_status.report(
            connection, [CameraStatus(camera=c, state=state, reason=reason) for c in cameras]
        )


async def pass_s(pool: Pool, seconds: int) -> None:
    await pool.execute("UPDATE heartbeats SET at = at - make_interval(secs => $1)", seconds)
    await pool.execute(
        "UPDATE camera_status SET updated_at = updated_at - make_interval(secs => $1),"
        " changed_at = changed_at - make_interval(secs => $1)",
        seconds,
    )


async def test_a_share_that_falls_silent_and_is_back_is_one_event_each_whatever_it_holds(pool: Pool) -> None:
    ids = [f"c{n}" for n in range(8)]
    for id_ in ids:
        await register(pool, id_, "rtsp://127.0.0.1:1/x")
    theirs = {share: [id_ for id_ in ids if share.holds(id_)] for share in (ONE, TWO)}
    assert await camera_status.unwatched(pool) == len(ids)
    for share in (ONE, TWO):
        await heartbeats.beat_share(pool, share)
    await say(pool, ids)
    assert await noted(pool) == []
    assert await camera_status.unwatched(pool) == 0
    told = await pool.fetchval("SELECT count(*) FROM event_queue")

    await pass_s(pool, 30)
    await heartbeats.beat_share(pool, ONE)
    await say(pool, theirs[ONE])
    last: datetime = await pool.fetchval(
        "SELECT max(updated_at) FROM camera_status WHERE camera = ANY($1)", theirs[TWO]
    )
    away = [("camera_worker_away", "2/2", len(theirs[TWO]))]
    assert await noted(pool) == away
    assert await noted(pool) == away
    assert await camera_status.unwatched(pool) == len(theirs[TWO]) > 1
    rows = await pool.fetch("SELECT camera, state, reason, changed_at FROM camera_status WHERE reason <> ''")
    assert {r["camera"]: (r["state"], r["reason"], r["changed_at"]) for r in rows} == dict.fromkeys(
        theirs[TWO], ("unknown", "worker_away", last)
    )

    await heartbeats.beat_share(pool, TWO)
    await say(pool, theirs[TWO], CameraState.UNKNOWN, "starting")
    await say(pool, theirs[TWO])
    assert await noted(pool) == [*away, ("camera_worker_back", "2/2", len(theirs[TWO]))]
    assert await pool.fetchval("SELECT count(*) FROM event_queue") == told + 2
    assert await camera_status.unwatched(pool) == 0


async def test_shares_of_a_division_that_is_given_up_are_forgotten_without_a_word(pool: Pool) -> None:
    for share in (ONE, TWO):
        await heartbeats.beat_share(pool, share)
    await pass_s(pool, 30)
    await heartbeats.beat_share(pool, Share(0, 3))
    assert await noted(pool) == []
    assert set(await heartbeats.ages_s(pool)) == {"cameras 1/3"}
