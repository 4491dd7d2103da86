"""The minor list, what it suggests on a task, what a person decides, and an enterprise's own side of its warnings."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from alerting.visits import warning_token
from server import visit_key
from tests.support.alerting import together
from tests.support.web_house import House

ROW = {
    "kind": "smoke", "rule": "", "code": "", "max_ratio": None, "max_severity": 2, "times_at_most": 2, "months": 12,
    "needs_corrected": False, "basis": "不予处罚清单第 2 项",
}  # fmt: skip


async def confirmed(house: House, *, days_ago: float = 0, **columns: Any) -> tuple[int, int]:
    """A closed case of e1 with one matter of smoke; returns both ids."""
    opened_at = house.clock.now() - timedelta(days=days_ago)
    values: dict[str, Any] = {
        "state": "closed", "outcome": "handled", "opened_at": opened_at, "handled_at": opened_at, "verified_at": opened_at,
        "closed_at": opened_at, "officer": "o1",
    }  # fmt: skip
    task = await house.task(**values | columns)
    matter, _ = await house.matter(task)
    return task, matter


async def put(house: House, version: int, *rows: dict[str, Any], who: str = "bo") -> httpx.Response:
    async with house.client(who) as client:
        return await client.put("/api/v1/minor-list", json={"version": version, "rows": list(rows)})


async def leniency(house: House, task: int) -> dict[str, Any]:
    async with house.client("chen") as client:
        return dict((await client.get(f"/api/v1/tasks/{task}/penalty")).json())


async def decide(
    house: House, task: int, matter: int, decision: str, version: int = 0, note: str = "", who: str = "bo"
) -> httpx.Response:
    body = {"matter": matter, "decision": decision, "list_version": version, "note": note}
    async with house.client(who) as client:
        return await client.post(f"/api/v1/tasks/{task}/penalty", json=body)


async def test_the_list_is_empty_as_shipped_and_each_change_is_a_version_that_stays(house: House) -> None:
    async with house.client("chen") as client:
        assert (await client.get("/api/v1/minor-list")).json() == {
            "version": 0, "changed_by": None, "changed_at": None, "rows": [],
        }  # fmt: skip
    first = (await put(house, 0, ROW)).json()
    second = (await put(house, 1, {**ROW, "months": 24}, {**ROW, "kind": "burning"})).json()
    third = (await put(house, 2)).json()

    assert [x["version"] for x in (first, second, third)] == [1, 2, 3]
    assert [(r["kind"], r["months"]) for r in second["rows"]] == [("smoke", 24), ("burning", 12)]
    assert third["rows"] == []
    assert await house.pool.fetchval("SELECT count(*) FROM minor_list WHERE version = 1 AND months = 12") == 1
    assert await house.pool.fetchval("SELECT count(*) FROM audit WHERE action = 'minor_list_changed'") == 3


async def test_a_list_as_long_as_may_be_is_previewed_and_saved(house: House) -> None:
    rows = [{**ROW, "basis": "据" * 500}] * 200
    async with house.client("bo") as client:
        seen = await client.post("/api/v1/minor-list/preview", json={"rows": rows})
    assert (seen.status_code, (await put(house, 0, *rows)).status_code) == (200, 200)
    assert await house.pool.fetchval("SELECT count(*) FROM minor_list") == 200


async def test_of_two_who_change_the_same_version_the_second_is_told(house: House) -> None:
    assert (await put(house, 0, ROW)).status_code == 200
    for version in (0, 2, 7):
        late = await put(house, version, ROW)
        assert (late.status_code, late.json()["error"]["key"]) == (409, "list_changed")
    assert await house.pool.fetchval("SELECT max(version) FROM minor_lists") == 1


async def test_of_four_who_change_it_at_the_same_moment_one_does(house: House) -> None:
    answers = await together(*(put(house, 0, ROW) for _ in range(4)))
    assert sorted(a.status_code for a in answers) == [200, 409, 409, 409]
    assert await house.pool.fetchval("SELECT count(*) FROM minor_list") == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "noise"}, {"basis": " "}, {"basis": ""}, {"max_ratio": 0.5}, {"max_ratio": 1e9}, {"months": 0},
        {"times_at_most": 0}, {"max_severity": 4}, {"rule": "a b"}, {"code": "x" * 65},
    ],
)  # fmt: skip
async def test_a_row_that_cannot_be_meant_is_refused(house: House, wrong: dict[str, Any]) -> None:
    answer = await put(house, 0, {**ROW, **wrong})
    assert (answer.status_code, answer.json()["error"]["key"]) == (422, "invalid")


async def test_a_preview_says_which_cases_of_ninety_days_a_row_covers_and_keeps_nothing(
    house: House,
) -> None:
    covered, _ = await confirmed(house, days_ago=80)
    await confirmed(house, days_ago=100)
    await confirmed(house, days_ago=1, outcome="false_alarm")
    await confirmed(house, days_ago=1, drill_id="d1")
    async with house.client("bo") as client:
        answer = await client.post(
            "/api/v1/minor-list/preview", json={"rows": [{**ROW, "kind": "burning"}, ROW]}
        )
    shown = answer.json()
    assert shown["cases"] == 1
    assert [(m["task"], m["place"], m["minor"]) for m in shown["matches"]] == [(covered, 2, True)]
    assert await house.pool.fetchval("SELECT count(*) FROM minor_lists") == 0


async def test_only_confirmed_cases_of_the_enterprise_and_kind_count(house: House) -> None:
    await put(house, 0, ROW)
    counted, _ = await confirmed(house, days_ago=30)
    for columns in (
        {"outcome": "false_alarm"}, {"outcome": "ceased"}, {"drill_id": "d1"}, {"enterprise": None}, {"verified_at": None},
    ):  # fmt: skip
        await confirmed(house, days_ago=20, **columns)
    await confirmed(house, days_ago=900)
    other = await house.task(
        state="closed", outcome="handled", verified_at=house.clock.now(), opened_at=house.clock.now() - timedelta(days=9)
    )  # fmt: skip
    await house.matter(other, kind="burning")
    task, _ = await confirmed(house)

    (matter,) = (await leniency(house, task))["matters"]
    assert [c["task"] for c in matter["cases"]] == [counted]
    assert (matter["suggestion"]["key"], matter["suggestion"]["params"]["before"]) == ("minor", 1)


async def test_what_is_suggested_needs_no_note_and_what_deviates_does(house: House) -> None:
    await put(house, 0, ROW)
    task, matter = await confirmed(house)
    assert (await leniency(house, task))["matters"][0]["suggestion"]["key"] == "first_time_minor"
    refused = await decide(house, task, matter, "penalty", 1)
    assert (refused.status_code, refused.json()["error"]["key"]) == (409, "note_needed")
    done = await decide(house, task, matter, "no_penalty_first", 1)
    assert done.status_code == 201
    changed = await decide(house, task, matter, "no_penalty_first", 1)
    assert changed.json()["error"]["key"] == "note_needed"
    again = (await decide(house, task, matter, "penalty", 1, "复核：后果并非轻微")).json()

    first, second = again["matters"][0]["decisions"]
    assert (first["decision"], first["withdrawn_at"] is None) == ("no_penalty_first", False)
    assert (second["decision"], second["withdrawn_at"], second["list_version"]) == ("penalty", None, 1)
    rows = await house.pool.fetch(
        "SELECT event FROM event_queue WHERE event->>'type' = 'penalty_decided' ORDER BY id"
    )
    said = [r["event"] for r in rows]
    assert [(e["decision"], e["suggested"], e["withdraws"]) for e in said] == [
        ("no_penalty_first", "first_time_minor", None),
        ("penalty", "first_time_minor", first["id"]),
    ]
    assert "复核" not in str(said)


async def test_of_two_who_decide_at_once_the_second_must_say_why_he_changes_it(house: House) -> None:
    await put(house, 0, ROW)
    task, matter = await confirmed(house)
    answers = await together(*(decide(house, task, matter, "no_penalty_first", 1) for _ in range(3)))
    assert sorted(a.status_code for a in answers) == [201, 409, 409]
    assert await house.pool.fetchval("SELECT count(*) FROM penalty_decisions") == 1


async def test_a_case_that_was_let_off_is_told_by_the_next_one(house: House) -> None:
    await put(house, 0, ROW)
    earlier, matter = await confirmed(house, days_ago=10)
    await decide(house, earlier, matter, "no_penalty_first", 1)
    task, _ = await confirmed(house)
    (case,) = (await leniency(house, task))["matters"][0]["cases"]
    assert (case["task"], case["lenient"]) == (earlier, True)


@pytest.mark.parametrize(
    ("columns", "version", "key"),
    [
        ({"state": "handled", "verified_at": None}, 0, "not_confirmed_yet"),
        ({"state": "accepted", "outcome": None, "verified_at": None}, 0, "not_confirmed_yet"),
        ({"outcome": "false_alarm"}, 0, "no_case"),
        ({"outcome": "ceased"}, 0, "no_case"),
        ({"drill_id": "d1"}, 0, "no_case"),
        ({}, 3, "list_changed"),
    ],
)
async def test_nothing_is_decided_before_its_time_or_of_no_case(
    house: House, columns: dict[str, Any], version: int, key: str
) -> None:
    task, matter = await confirmed(house, **columns)
    answer = await decide(house, task, matter, "penalty", version)
    assert (answer.status_code, answer.json()["error"]["key"]) == (409, key)
    assert await house.pool.fetchval("SELECT count(*) FROM penalty_decisions") == 0


async def test_a_matter_of_another_task_cannot_be_decided_here(house: House) -> None:
    task, _ = await confirmed(house)
    _, other = await confirmed(house)
    assert (await decide(house, task, other, "penalty")).status_code == 404


async def test_nothing_is_suggested_about_a_case_of_no_enterprise(house: House) -> None:
    nobodys, _ = await confirmed(house, enterprise=None)
    assert (await leniency(house, nobodys))["matters"] == []


@pytest.mark.parametrize(
    ("kind", "tier", "is_violation"),
    [
        ("camera_fault", "fault", False),
        ("camera_fault", "violation", False),
        ("data_fault", "fault", False),
        ("data_fault", "violation", True),  # only a hand explains it
        ("exceedance", "early", True),  # a warning that became a task
        ("smoke", "violation", True),
    ],
)
async def test_a_fault_of_equipment_is_no_violation_and_counts_as_none(
    house: House, kind: str, tier: str, is_violation: bool
) -> None:
    await put(house, 0, {**ROW, "kind": "data_fault"})
    tasks = [await house.task(
        state="closed", outcome="handled", verified_at=house.clock.now(), closed_at=house.clock.now(),
        opened_at=house.clock.now() - timedelta(days=days),
    ) for days in (2, 1)]  # fmt: skip
    matters = [(await house.matter(task, kind=kind))[0] for task in tasks]
    await house.pool.execute("UPDATE findings SET tier = $1", tier)
    decided = await decide(house, tasks[1], matters[1], "penalty", 1)
    async with house.client("bo") as client:
        history = (await client.get("/api/v1/enterprises/e1/history")).json()["cases"]
        rows = [{**ROW, "kind": "data_fault"}]
        covered = (await client.post("/api/v1/minor-list/preview", json={"rows": rows})).json()["matches"]

    shown = (await leniency(house, tasks[1]))["matters"]
    assert [[c["task"] for c in m["cases"]] for m in shown] == ([[tasks[0]]] if is_violation else [])
    assert decided.status_code in ((201, 409) if is_violation else (404,))
    assert [c["task"] for c in history] == ([*reversed(tasks)] if is_violation else [])
    assert len(covered) == (2 if is_violation and kind == "data_fault" else 0)


async def test_the_history_of_an_enterprise(house: House) -> None:
    task, matter = await confirmed(house, days_ago=3)
    await decide(house, task, matter, "penalty")
    async with house.client("bo") as client:
        shown = (await client.get("/api/v1/enterprises/e1/history")).json()
        missing = await client.get("/api/v1/enterprises/nobody/history")
    assert shown["enterprise"]["name"] == "东方钢铁"
    assert [(c["task"], c["decision"]) for c in shown["cases"]] == [(task, "penalty")]
    assert (shown["warnings"], shown["this_month"], missing.status_code) == ([], None, 404)


async def warned(house: House, ends_at: datetime) -> str:
    """A warning of e1 at MN1; returns the token of its link."""
    _, finding = await house.matter(await house.task())
    await house.pool.execute(
        "UPDATE findings SET station = 'MN1', camera = NULL, zone = NULL, code = 'a21026' WHERE id = $1",
        finding,
    )
    await house.pool.execute(
        "INSERT INTO warnings (finding_id, fingerprint, enterprise, told_at, window_ends_at, state)"
        " VALUES ($1, 'exceedance/MN1/a21026', 'e1', $2, $3, 'open')",
        finding, ends_at - timedelta(minutes=10), ends_at,
    )  # fmt: skip
    return warning_token(visit_key.ensure(house.deps.data_dir), finding)


async def test_the_contact_sees_his_warning_and_answers_it_by_the_link(house: House) -> None:
    token = await warned(house, house.clock.now() + timedelta(minutes=5))
    async with house.client() as client:
        seen = (await client.get(f"/api/v1/warned/{token}")).json()
        said = await client.post(f"/api/v1/warned/{token}/answers", json={"text": " 风机已修 "})
    assert seen.keys() == {
        "bureau", "enterprise", "station", "code", "kind", "reason", "told_at", "window_ends_at", "state", "drill",
        "acknowledged_at", "answer",
    }  # fmt: skip
    assert (seen["enterprise"], seen["station"], seen["kind"], seen["acknowledged_at"]) == (
        "东方钢铁", "一号排口", "exceedance", None,
    )  # fmt: skip
    assert (said.status_code, said.json()["answer"]) == (201, "风机已修")
    async with house.client("chen") as client:
        (row,) = (await client.get("/api/v1/warnings")).json()["items"]
    assert (row["acknowledged_by"], row["answer"]) == ("contact", "风机已修")


async def test_a_warnings_link_opens_until_a_day_after_its_window_and_a_wrong_one_never(
    house: House,
) -> None:
    token = await warned(house, house.clock.now())
    async with house.client() as client:
        statuses = []
        for seconds in (0, 86_399, 86_401):
            house.clock.seconds = seconds
            statuses.append((await client.get(f"/api/v1/warned/{token}")).status_code)
            statuses.append((await client.post(f"/api/v1/warned/{token}/answers", json={})).status_code)
        wrong = [await client.get(f"/api/v1/warned/{t}") for t in (token[:-1], "A" * 64, "%00")]
    assert statuses == [200, 201, 200, 201, 404, 404]
    assert {(a.status_code, a.text) for a in wrong} == {(404, '{"error":{"key":"not_found","params":{}}}')}


async def test_whoever_has_a_warnings_link_makes_five_entries_of_the_chain_at_most(house: House) -> None:
    token = await warned(house, house.clock.now() + timedelta(minutes=5))
    other = warning_token(visit_key.ensure(house.deps.data_dir), uuid4())

    async def say(at: str, text: str) -> int:
        async with house.client(address="10.0.0.7") as client:
            return (await client.post(f"/api/v1/warned/{at}/answers", json={"text": text})).status_code

    same = [await say(token, " 风机已修 "), await say(token, "风机已修")]
    at_once = await together(*(say(token, f"第 {n} 次") for n in range(9)))
    assert (same, sorted(at_once)) == ([201, 201], [201] * 4 + [409] * 5)
    house.use()  # as after a restart
    assert await say(token, "再说") == 409
    said = await house.pool.fetchval(
        "SELECT count(*) FROM event_queue WHERE event->>'type' = 'warning_answered'"
    )
    assert said == 5
    assert await say(other, "没有的") == 404
    finding = await house.pool.fetchval("SELECT finding_id FROM warnings")
    async with house.client("chen") as client:  # what is said on the telephone is none of the five
        noted = await client.post(f"/api/v1/warnings/{finding}/answers", json={"text": "已停产"})
    assert noted.status_code == 201


async def test_what_was_said_by_telephone_is_noted_by_the_centre(house: House) -> None:
    await warned(house, house.clock.now() + timedelta(minutes=5))
    finding = await house.pool.fetchval("SELECT finding_id FROM warnings")
    async with house.client("chen") as client:
        noted = await client.post(f"/api/v1/warnings/{finding}/answers", json={"text": "值班长已知悉"})
    assert (noted.status_code, noted.json()["acknowledged_by"], noted.json()["answer"]) == (
        201, "chen", "值班长已知悉",
    )  # fmt: skip
