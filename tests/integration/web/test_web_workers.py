"""What camera workers on other machines send: with their share's token only, whole, and no more than there is room for."""

import hashlib
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest

from farwatch.domain.share import WHOLE, Share
from farwatch.storage import worker_tokens
from farwatch.storage.blobs import BlobStore, live_still_path
from server.web import worker_door, workers
from tests.support.web_house import House

CLIP = b"a clip" * 500_000
SHA = hashlib.sha256(CLIP).hexdigest()
EVIDENCE = f"/api/v1/worker/evidence/{SHA}"
LIVE = "/api/v1/worker/live/c1"
JPEG = b"\xff\xd8\xff" + bytes(100)


@pytest.fixture
async def client(house: House) -> AsyncIterator[httpx.AsyncClient]:
    async with house.client() as client:
        yield client


async def bearer(house: House, share: Share = WHOLE) -> dict[str, str]:
    _, token = await worker_tokens.add(house.pool, [share])
    return {"Authorization": f"Bearer {token}"}


def key(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["key"]


async def sent(
    client: httpx.AsyncClient, headers: dict[str, str], content: bytes = CLIP, url: str = EVIDENCE
) -> httpx.Response:
    return await client.put(
        url, content=content, headers=headers | {"content-type": "application/octet-stream"}
    )


async def shown(
    client: httpx.AsyncClient, headers: dict[str, str], content: bytes = JPEG, url: str = LIVE
) -> httpx.Response:
    return await client.put(url, content=content, headers=headers | {"content-type": "image/jpeg"})


async def test_bytes_are_kept_under_their_hash_and_the_same_again_changes_nothing(
    house: House, client: httpx.AsyncClient
) -> None:
    headers = await bearer(house)
    for _ in range(2):
        assert (await sent(client, headers)).status_code == 204
    blobs = house.deps.blobs
    assert list(blobs.all()) == [SHA]
    assert blobs.verify(SHA)
    assert not list((house.deps.data_dir / "blobs" / "unfinished").iterdir())
    row = await house.pool.fetchrow("SELECT * FROM audit WHERE action = 'evidence_received' LIMIT 1")
    assert (row["actor"], row["subject"]) == ("worker/1", f"sha256/{SHA}")


async def test_bytes_that_are_not_what_their_address_says_are_not_kept(
    house: House, client: httpx.AsyncClient
) -> None:
    assert key(await sent(client, await bearer(house), CLIP + b"!")) == (422, "hash_differs")
    assert key(await sent(client, await bearer(house), url="/api/v1/worker/evidence/xyz")) == (422, "invalid")
    assert list(house.deps.blobs.all()) == []


async def test_without_a_token_or_with_a_revoked_one_nothing_is_taken(
    house: House, client: httpx.AsyncClient
) -> None:
    headers = await bearer(house)
    assert (await client.get("/api/v1/worker", headers=headers)).json() == {"shares": ["1/1"]}
    assert await worker_tokens.revoke(house.pool, 1)
    assert not await worker_tokens.revoke(house.pool, 1)
    async with house.client("ada") as signed_in:
        for someone, with_ in ((client, headers), (client, {}), (signed_in, {})):
            assert key(await sent(someone, with_)) == (401, "bad_worker_token")
            assert key(await shown(someone, with_)) == (401, "bad_worker_token")
    assert list(house.deps.blobs.all()) == []


async def test_a_still_becomes_the_latest_picture_of_a_camera_of_the_share_only(
    house: House, client: httpx.AsyncClient
) -> None:
    its = next(share for share in (Share(0, 2), Share(1, 2)) if share.holds("c1"))
    others = Share(1 - its.index, 2)
    assert (await shown(client, await bearer(house, its))).status_code == 204
    assert live_still_path(house.deps.data_dir, "c1").read_bytes() == JPEG
    assert key(await shown(client, await bearer(house, others))) == (403, "not_your_share")
    assert key(await shown(client, await bearer(house, its), b"GIF8")) == (415, "not_an_image")
    nowhere = await shown(client, await bearer(house), url="/api/v1/worker/live/none")
    assert key(nowhere) == (404, "not_found")
    assert key(await shown(client, await bearer(house), bytes(600_000))) == (413, "too_large")


async def pieces() -> AsyncIterator[bytes]:
    yield CLIP[:10]
    yield CLIP[10:]


async def test_a_disk_that_is_short_takes_stills_and_no_clips(
    house: House, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "LARGE_BYTES", 1000)
    monkeypatch.setattr(BlobStore, "room", lambda _: (1, True))
    headers = await bearer(house)
    assert key(await sent(client, headers)) == (507, "disk_full")
    in_chunks = client.put(
        EVIDENCE,
        content=pieces(),
        headers=headers | {"content-type": "application/octet-stream", "transfer-encoding": "chunked"},
    )
    assert key(await in_chunks) == (507, "disk_full")
    still = EVIDENCE.replace(SHA, hashlib.sha256(b"x").hexdigest())
    assert (await sent(client, headers, b"x", still)).status_code == 204


async def test_a_worker_that_sends_too_much_waits(house: House, client: httpx.AsyncClient) -> None:
    headers = await bearer(house)
    for _ in range(worker_door.STILLS.burst):
        house.app.state.web.workers.take_still(1, house.clock.monotonic())
    answer = await shown(client, headers)
    assert (*key(answer), answer.headers["retry-after"]) == (429, "too_many_uploads", "1")
    house.clock.seconds += timedelta(seconds=1).total_seconds()
    assert (await shown(client, headers)).status_code == 204
