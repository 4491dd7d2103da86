from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client import values

from farwatch.storage import heartbeats
from farwatch.storage.database import open_pool
from server.web.app import create_app
from tests.support.web_house import House

FORWARDED = "X-Forwarded-For"
SCRAPES = [
    ("127.0.0.1", {}, {}, 200),
    ("::1", {}, {}, 200),
    ("10.1.2.3", {}, {}, 403),
    ("10.1.2.3", {FORWARDED: "127.0.0.1"}, {}, 403),
    ("127.0.0.1", {FORWARDED: "127.0.0.1, 10.9.9.9"}, {"proxied": True}, 403),
    ("10.1.2.3", {"Authorization": "Bearer wrong"}, {"metrics_token": "right"}, 403),
    ("10.1.2.3", {"Authorization": "Bearer right"}, {"metrics_token": "right"}, 200),
    ("10.1.2.3", {"Authorization": "Bearer "}, {"metrics_token": ""}, 403),
]


async def test_numbers_are_for_this_machine_and_for_holders_of_the_token(house: House) -> None:
    for address, headers, settings, status in SCRAPES:
        house.use(**settings)
        async with house.client(address=address) as client:
            assert (await client.get("/metrics", headers=headers)).status_code == status, (address, headers)


async def test_the_engines_age_is_told_at_each_scrape(house: House) -> None:
    async with house.client(address="127.0.0.1") as client:
        before = (await client.get("/metrics")).text
        await heartbeats.beat(house.pool, "engine")
        after = (await client.get("/metrics")).text

    assert "farwatch_engine_last_tick_age_seconds" not in before
    age_s = float(after.split("\nfarwatch_engine_last_tick_age_seconds ")[1].split("\n")[0])
    assert 0 <= age_s < 5
    assert 'farwatch_http_requests_total{method="GET",route="/metrics",status="200"}' in after


async def test_notices_that_wait_too_long_are_told_at_each_scrape(house: House) -> None:
    queue = (
        "INSERT INTO notices (step, channel, target, message_key, message_params, state, next_attempt_at, created_at)"
        " VALUES ($1, 'apprise', 'duty', 'k', '{}', $2, now() + $3, now())"
    )
    async with house.client(address="127.0.0.1") as client:
        assert "\nfarwatch_outbox_overdue_seconds 0.0\n" in (await client.get("/metrics")).text
        await house.pool.execute(queue, "to come", "queued", timedelta(minutes=5))
        await house.pool.execute(queue, "given up", "failed", timedelta(hours=-2))
        await house.pool.execute(queue, "due", "queued", timedelta(seconds=-90))
        text = (await client.get("/metrics")).text
    assert 90 <= float(text.split("\nfarwatch_outbox_overdue_seconds ")[1].split("\n")[0]) < 100


async def test_the_numbers_of_all_processes_are_added_up(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for pid in (1, 2):
        value = values.MultiProcessValue(lambda pid=pid: pid)
        monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
        value("counter", "farwatch_readings_total", "farwatch_readings_total", (), (), "Readings").inc(
            pid * 10
        )
    async with house.client(address="127.0.0.1") as client:
        text = (await client.get("/metrics")).text

    assert "farwatch_readings_total 30.0" in text


async def test_a_lost_database_is_a_clear_answer_and_not_the_end(house: House, database_url: str) -> None:
    async with open_pool(database_url) as pool:
        house.deps = type(house.deps)(
            **{f: getattr(house.deps, f) for f in house.deps.__slots__} | {"pool": pool}
        )
        house.app = create_app(house.deps)
        token = await house.token("chen")
        await pool.close()
        async with house.client(address="127.0.0.1") as client:
            client.cookies.set("farwatch_session", token)
            tasks, ready, alive, metrics = [
                await client.get(p) for p in ("/api/v1/tasks", "/readyz", "/livez", "/metrics")
            ]

    assert (tasks.status_code, tasks.json()["error"]["key"]) == (503, "database_away")
    assert (ready.status_code, ready.json()["checks"]["database"]["ok"]) == (503, False)
    assert (alive.status_code, metrics.status_code) == (200, 200)


async def test_methods_that_clients_invent_are_no_labels_of_their_own(house: House) -> None:
    async with house.client(address="127.0.0.1") as client:
        for invented in ("EVIL1", "EVIL2"):
            json = {"Content-Type": "application/json"}
            assert (await client.request(invented, "/api/v1/tasks", headers=json)).status_code == 405
        assert "EVIL" not in (await client.get("/metrics")).text


async def test_how_far_programs_outside_are_behind_is_told_to_scrapers_and_to_the_wall(house: House) -> None:
    await house.pool.execute(
        "INSERT INTO webhook_cursors (name, n, at, active, aside, aside_at)"
        " VALUES ('platform', 1, now(), true, 4, '2026-11-22T08:00Z'), ('removed', 0, now(), false, 0, NULL)"
    )
    for _ in range(3):
        await house.logged("camera_status")
    async with house.client("chen", address="127.0.0.1") as client:
        text = (await client.get("/metrics")).text
        (course,) = (await client.get("/api/v1/status")).json()["event_webhooks"]
    assert '\nfarwatch_event_webhook_behind{channel="platform"} 2.0\n' in text
    assert "removed" not in text
    behind_s = course.pop("behind_s")
    assert 0 < behind_s < 60
    assert course == {"name": "platform", "behind": 2, "aside": 4, "aside_at": "2026-11-22T08:00:00Z"}
