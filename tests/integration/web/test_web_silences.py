from datetime import timedelta
from typing import Any

import pytest

from tests.support.web_house import House


def body(house: House, hours: float = 2, **changes: Any) -> dict[str, Any]:
    until = (house.clock.now() + timedelta(hours=hours)).isoformat()
    return {
        "kind": "maintenance",
        "scope": {"station": "MN1"},
        "reason": "更换滤袋",
        "to_at": until,
        **changes,
    }


async def test_a_silence_is_set_seen_ended_and_on_record(house: House) -> None:
    async with house.client("chen") as client:
        made = await client.post("/api/v1/silences", json=body(house))
        assert made.status_code == 201
        silence = made.json()
        assert (silence["station"], silence["made_by"], silence["held"], silence["over"]) == (
            {"id": "MN1", "name": "一号排口"}, "chen", 0, False,
        )  # fmt: skip
        assert [s["id"] for s in (await client.get("/api/v1/silences")).json()["items"]] == [silence["id"]]
        house.clock.seconds = 60
        ended = (await client.delete(f"/api/v1/silences/{silence['id']}")).json()
        assert (ended["over"], ended["ended_by"]) == (True, "chen")
        house.clock.seconds = 120
        again = (await client.delete(f"/api/v1/silences/{silence['id']}")).json()
        assert again["ended_at"] == ended["ended_at"]
        assert (await client.get("/api/v1/silences")).json()["items"] == []
        assert len((await client.get("/api/v1/silences?state=all")).json()["items"]) == 1
    audit = await house.pool.fetch("SELECT actor, action, subject FROM audit ORDER BY id")
    subject = f"silence/{silence['id']}"
    assert [tuple(r) for r in audit] == [("chen", "silence_set", subject), ("chen", "silence_ended", subject)]
    (event,) = [r["event"] for r in await house.pool.fetch("SELECT event FROM event_queue")]
    assert (event["type"], event["scope"], event["actor"]) == ("silence_set", {"station": "MN1"}, "chen")


async def test_what_it_holds_back_and_still_stands_is_counted(house: House) -> None:
    quiet = await house.silence()
    for ended in (None, house.clock.now()):
        _, finding = await house.matter(await house.task())
        await house.pool.execute(
            "UPDATE findings SET disposition = 'silenced', silence_id = $2, ended_at = $3 WHERE id = $1",
            finding, quiet, ended,
        )  # fmt: skip
    async with house.client("bo") as client:
        (silence,) = (await client.get("/api/v1/silences")).json()["items"]
    assert silence["held"] == 1


REFUSED = {
    "nothing named": ({"scope": {}}, "scope_needed", {}),
    "a station that nobody knows": (
        {"scope": {"station": "MN9"}},
        "unknown_scope",
        {"what": "station", "id": "MN9"},
    ),
    "an end before now": ({"hours": -1}, "ends_before_it_begins", {}),
    "longer than thirty days": ({"hours": 24 * 30 + 1}, "silence_too_long", {"most_days": 30}),
    "no reason": ({"reason": "  "}, "invalid", None),
    "a kind that there is not": ({"kind": "shelved"}, "invalid", None),
    "a time without zone": ({"to_at": "2030-01-01T00:00:00"}, "invalid", None),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_a_silence_without_scope_reason_or_sensible_end_is_refused(house: House, case: str) -> None:
    changes, key, params = REFUSED[case]
    async with house.client("ada") as client:
        answer = await client.post("/api/v1/silences", json=body(house, **changes))
    assert (answer.status_code, answer.json()["error"]["key"]) == (422, key)
    assert params is None or answer.json()["error"]["params"] == params
    assert await house.pool.fetchval("SELECT count(*) FROM silences") == 0


async def test_storms_are_listed_with_what_they_took_together(house: House) -> None:
    await house.pool.execute("INSERT INTO storms (began_at, last_at, tasks) VALUES (now(), now(), 2)")
    for state in ("offered", "closed"):
        task = await house.task(state=state, storm_id=1)
        await house.matter(task)
        await house.matter(task)
    async with house.client("chen") as client:
        (storm,) = (await client.get("/api/v1/storms")).json()["items"]
    assert (storm["tasks"], storm["matters"], storm["open"], storm["ended_at"]) == (2, 4, 1, None)
