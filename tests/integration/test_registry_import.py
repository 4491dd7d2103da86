"""Import and export against a real database."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from farwatch.domain.registry import Registry
from farwatch.storage import registry
from farwatch.storage.database import Pool, connect
from server.registry.commands import Report, check, export, import_
from server.registry.secret_file import load_secrets
from tests.unit.registry.sample import FILES, edited, write_city

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)
AIR = ("88888880000001", "a21026")


@pytest.fixture
def city(tmp_path: Path) -> Path:
    return write_city(tmp_path / "city")


async def bring(
    folder: Path, pool: Pool, data_dir: Path, *, prune: bool = False, now: datetime = NOW
) -> Report:
    report = await import_(folder, pool, data_dir, prune=prune, now=now)
    assert report.exit_code == 0, report.lines
    return report


async def loaded(pool: Pool) -> Registry:
    async with pool.acquire() as connection:
        return await registry.load(connection)


async def rows_of(pool: Pool, table: str) -> list[tuple[object, ...]]:
    return [tuple(row) for row in await pool.fetch(f"SELECT * FROM {table} ORDER BY 1, 2, 3")]


async def test_a_city_is_imported_whole(city: Path, pool: Pool, data_dir: Path) -> None:
    report = await bring(city, pool, data_dir)
    found = await loaded(pool)
    assert (report.version, found.version) == (1, 1)
    assert found.stations["88888880000002"].drill
    assert [x.limit for x in found.limits[AIR]] == [35, 35]
    assert found.zones["c1"][0].polygon == ((0.1, 0.5), (0.9, 0.5), (0.9, 1.0), (0.1, 1.0))
    assert found.grids["g1"].area.contains(found.stations["88888880000001"].place)
    async with pool.acquire() as connection:
        assert (await registry.load_policy(connection)).task.accept_s == 240
    assert load_secrets(data_dir).credentials["yard"].password == "hunter2"


async def test_the_same_files_again_change_nothing(city: Path, pool: Pool, data_dir: Path) -> None:
    await bring(city, pool, data_dir)
    before = {
        t: await rows_of(pool, t) for t in ("limits", "channels", "cameras", "registry_version", "policies")
    }
    report = await bring(city, pool, data_dir, now=NOW + timedelta(days=1), prune=True)
    assert (report.version, report.changes) == (1, 0)
    assert {t: await rows_of(pool, t) for t in before} == before
    assert await pool.fetchval("SELECT count(*) FROM event_queue") == 1


async def test_an_import_wakes_the_services_and_is_logged(
    city: Path, pool: Pool, data_dir: Path, database_url: str
) -> None:
    listener = await connect(database_url)
    heard: asyncio.Queue[str] = asyncio.Queue()
    await listener.add_listener("farwatch_registry", lambda *message: heard.put_nowait(message[3]))
    await bring(city, pool, data_dir)
    assert await asyncio.wait_for(heard.get(), 5) == "1"
    await listener.close()
    event = await pool.fetchval("SELECT event FROM event_queue")
    assert (event["type"], event["version"]) == ("registry_changed", 1)


async def test_one_mistake_refuses_everything(city: Path, pool: Pool, data_dir: Path) -> None:
    write_city(city, channels=edited("channels.csv", "mg/L,50", "mg/L,x"))
    report = await import_(city, pool, data_dir, prune=False, now=NOW)
    assert report.exit_code == 1
    assert report.lines[0] == "error: channels.csv, row 5, column limit: 'x' is not a decimal number"
    assert await loaded(pool) == Registry(version=0)
    assert not (data_dir / "secrets.toml").exists()


async def test_check_says_the_same_without_a_database(city: Path) -> None:
    assert (await check(city)).exit_code == 0
    write_city(city, channels=edited("channels.csv", "mg/L,50", "mg/L,x"))
    report = await check(city)
    assert report.exit_code == 1
    assert report.lines[0] == "error: channels.csv, row 5, column limit: 'x' is not a decimal number"


async def test_a_wholly_wrong_column_is_said_at_a_length_that_people_read(city: Path) -> None:
    rows = "".join(f"99{n:06},w01018,mg/L,5,day,0,1,\n" for n in range(3000))
    write_city(city, channels=FILES["channels.csv"] + rows)
    report = await check(city)
    assert report.lines[200:] == ("... and 2800 more", "3000 errors, 0 warnings")


async def test_a_changed_limit_opens_a_new_period_that_a_service_sees(
    city: Path, pool: Pool, data_dir: Path
) -> None:
    await bring(city, pool, data_dir)
    write_city(city, channels=edited("channels.csv", "35,hour,1,0.9,2024-01-01", "30,hour,1,0.9,2026-12-01"))
    report = await bring(city, pool, data_dir)
    assert any("hour limit: 35 → 30 from 2026-12-01" in line for line in report.lines), report.lines
    async with pool.acquire() as connection:
        assert await registry.version(connection) == 2
        hours = [x for x in (await registry.load(connection)).limits[AIR] if x.kind == "hour"]
    december = datetime(2026, 11, 30, 16, tzinfo=UTC)
    assert [(x.limit, x.valid_from, x.valid_to) for x in hours] == [
        (35, datetime(2023, 12, 31, 16, tzinfo=UTC), december),
        (30, december, None),
    ]


async def test_rows_missing_from_the_files_stay_unless_pruned_and_come_back(
    city: Path, pool: Pool, data_dir: Path
) -> None:
    await bring(city, pool, data_dir)
    before = await loaded(pool)
    gone = {
        "stations": FILES["stations.csv"].replace("88888880000002,e2,总排口,30.601,114.401,water,1\n", ""),
        "channels": FILES["channels.csv"].replace("88888880000002,w01018,mg/L,50,day,0,1,2024/7/1\n", ""),
        "officers": FILES["officers.csv"].replace("o2,张二,t1,10000000002,30.5,114.31,8:00-20:00\n", ""),
        "zones": "[]",
    }
    write_city(city, **gone)
    kept = await bring(city, pool, data_dir)
    assert (kept.changes, (await loaded(pool)).stations) == (0, before.stations)
    assert any("88888880000002 not in the file, still active" in line for line in kept.lines)
    await bring(city, pool, data_dir, prune=True)
    after = await loaded(pool)
    assert (after.stations.keys(), after.officers.keys(), after.zones) == ({"88888880000001"}, {"o1"}, {})
    assert ("88888880000002", "w01018") not in after.limits
    await bring(write_city(city), pool, data_dir)
    assert replace(await loaded(pool), version=before.version) == before


async def test_prune_ends_a_limit_whose_kind_left_the_file(city: Path, pool: Pool, data_dir: Path) -> None:
    await bring(city, pool, data_dir)
    write_city(city, channels=FILES["channels.csv"].replace("88888880000001,a21026,mg/m3,35,rtd,1,,\n", ""))
    assert (await bring(city, pool, data_dir)).changes == 0
    assert (await bring(city, pool, data_dir, prune=True)).changes == 1
    rtd = [x for x in (await loaded(pool)).limits[AIR] if x.kind == "rtd"]
    assert [(x.limit, x.valid_from, x.valid_to) for x in rtd] == [
        (35, rtd[0].valid_from, NOW),
        (None, NOW, None),
    ]


async def test_an_absent_optional_file_says_nothing_even_when_pruning(
    city: Path, pool: Pool, data_dir: Path
) -> None:
    await bring(city, pool, data_dir)
    before = await loaded(pool)
    write_city(city, zones=None, grids=None, officers=None, teams=None, policy=None, secrets=None)
    assert (await bring(city, pool, data_dir, prune=True)).changes == 0
    assert await loaded(pool) == before


async def test_pruning_a_team_that_a_kept_grid_names_is_refused(
    city: Path, pool: Pool, data_dir: Path
) -> None:
    await bring(city, pool, data_dir)
    officers = FILES["officers.csv"].replace(",t1,", ",t2,")
    write_city(city, grids=None, teams="id,name,lead\nt2,二中队,\n", officers=officers)
    report = await import_(city, pool, data_dir, prune=True, now=NOW)
    assert report.exit_code == 1
    assert "teams.csv: t1 would be deactivated, but g1 names it: bring grids.geojson too" in report.lines
    assert (await loaded(pool)).teams.keys() == {"t1"}


async def test_a_changed_secret_alone_is_a_change_and_others_stay(
    city: Path, pool: Pool, data_dir: Path
) -> None:
    await bring(city, pool, data_dir)
    write_city(city, secrets='[credentials.yard]\nuser = "admin"\npassword = "new"\n')
    report = await bring(city, pool, data_dir)
    assert report.version == 2, "cameras must connect with it"
    kept = load_secrets(data_dir)
    assert kept.credentials["yard"].password == "new"
    assert kept.channels.keys() == {"duty"}


async def test_export_then_import_changes_nothing_and_tells_no_secret(
    city: Path, pool: Pool, data_dir: Path, tmp_path: Path
) -> None:
    await bring(city, pool, data_dir)
    await bring(write_city(city, channels=edited("channels.csv", "35,hour", "30,hour")), pool, data_dir)
    exported = tmp_path / "exported"
    await export(exported, pool)
    content = {p.name: p.read_bytes() for p in exported.iterdir()}
    assert content.keys() == FILES.keys() - {"secrets.toml"}
    assert all(text.startswith(b"\xef\xbb\xbf") for name, text in content.items() if name.endswith(".csv"))
    assert not any(
        secret in text for text in content.values() for secret in (b"hunter2", b"m-secret", b"notice")
    )
    report = await bring(exported, pool, data_dir, prune=True, now=NOW + timedelta(days=9))
    assert report.changes == 0, report.lines
    await export(exported, pool)
    assert {p.name: p.read_bytes() for p in exported.iterdir()} == content, "the order is stable"


async def test_an_export_restores_a_city_with_its_history_elsewhere(
    city: Path, pool: Pool, data_dir: Path, tmp_path: Path
) -> None:
    await bring(city, pool, data_dir)
    await bring(write_city(city, channels=edited("channels.csv", "35,hour", "30,hour")), pool, data_dir)
    before = await loaded(pool)
    await export(tmp_path / "exported", pool)
    await pool.execute(
        "TRUNCATE enterprises, teams, policies CASCADE; UPDATE registry_version SET version = 0"
    )
    report = await bring(tmp_path / "exported", pool, tmp_path / "fresh")
    assert any(line.startswith("warning: cameras.csv") for line in report.lines), "credentials do not travel"
    assert replace(await loaded(pool), version=before.version) == before


async def test_two_imports_at_once_do_the_work_of_one(city: Path, pool: Pool, data_dir: Path) -> None:
    reports = await asyncio.gather(*(bring(city, pool, data_dir) for _ in range(2)))
    assert sorted(report.changes > 0 for report in reports) == [False, True]
    assert (await loaded(pool)).version == 1


LOGGER = "88888880000001,e1,烧结机头,30.501,114.301,air_source,0,accept-modbus,,10.1.2.0/24,10,"
NOISE = "88888880000001,Leq,dB(A),,,,,,30,130,,,,,,GB12348-2008/2"


def with_columns(file: str, columns: str, *rows: str) -> str:
    """The sample's file with more columns, and rows that have them."""
    header, *old = FILES[file].splitlines()
    named = [line for line in old if not any(row.split(",")[0] == line.split(",")[0] for row in rows)]
    return "\n".join([f"{header},{columns}", *(named if file == "stations.csv" else old), *rows, ""])


async def test_loggers_ranges_schedules_and_presets_are_kept_and_come_back_from_an_export(
    city: Path, pool: Pool, data_dir: Path, tmp_path: Path
) -> None:
    write_city(
        city,
        stations=with_columns("stations.csv", "crc,credential,source,minute_interval_min,o2_reference_percent", LOGGER),
        channels=with_columns(
            "channels.csv", "range_low,range_high,role,lower,schedule,source,unverified,preset", NOISE
        ),
    )  # fmt: skip
    report = await bring(city, pool, data_dir)
    assert any("GB12348-2008/2" in line for line in report.lines), "the numbers are unverified"
    before = await loaded(pool)
    station, leq = before.stations["88888880000001"], ("88888880000001", "Leq")
    assert (station.crc, station.source, station.minute_interval_min) == ("accept-modbus", "10.1.2.0/24", 10)
    assert (before.channels[leq].range_low, before.channels[leq].range_high) == (30, 130)
    assert [(x.schedule, x.limit, x.source, x.unverified) for x in before.limits[leq]] == [
        ("06:00-22:00", 60, "GB 12348-2008 工业企业厂界 2类", True),
        ("22:00-06:00", 50, "GB 12348-2008 工业企业厂界 2类", True),
    ]
    await export(tmp_path / "exported", pool)
    assert (await bring(tmp_path / "exported", pool, data_dir, prune=True)).changes == 0
    assert (await bring(city, pool, data_dir, prune=True)).changes == 0
    assert await loaded(pool) == before


async def test_a_heard_channel_survives_pruning_stays_out_of_the_export_and_may_be_registered(
    city: Path, pool: Pool, data_dir: Path, tmp_path: Path
) -> None:
    await bring(city, pool, data_dir)
    await pool.execute(
        "INSERT INTO channels (mn, code, unit, registered) VALUES ('88888880000001', 'a99999', 'mg/m3', false)"
    )
    assert (await bring(city, pool, data_dir, prune=True)).changes == 0
    await export(tmp_path / "exported", pool)
    assert "a99999" not in (tmp_path / "exported" / "channels.csv").read_text("utf-8-sig")
    write_city(city, channels=FILES["channels.csv"] + "88888880000001,a99999,mg/m3,20,hour,1,,\n")
    report = await bring(city, pool, data_dir)
    assert report.changes == 2, report.lines
    channel = (await loaded(pool)).channels["88888880000001", "a99999"]
    assert channel.registered


async def test_marks_of_the_works_are_loaded_until_they_are_withdrawn(
    city: Path, pool: Pool, data_dir: Path
) -> None:
    await bring(city, pool, data_dir)
    await pool.execute(
        "INSERT INTO marks (mn, code, label, from_at, to_at, declared_by)"
        " VALUES ('88888880000001', 'a21026', '启炉', now() - interval '1 hour', now() + interval '1 hour', 'centre')"
    )
    (mark,) = (await loaded(pool)).marks["88888880000001"]
    assert (mark.label, mark.code) == ("启炉", "a21026")
    await pool.execute("UPDATE marks SET withdrawn_at = now(), withdrawn_by = 'centre'")
    assert (await loaded(pool)).marks == {}
