"""A real case, exported by the command, verified where nothing of Farwatch is."""

import asyncio
import functools
import hashlib
import io
import json
import shutil
import subprocess
import sys
import zipfile
from datetime import datetime
from pathlib import Path

import pytest

from alerting.sealing import keys
from alerting.sealing.exporting import Asked, export
from farwatch.domain.task import DeadlineKind
from farwatch.storage import actions, case_export, events, seals
from farwatch.storage.database import Pool
from farwatch.storage.evidence import EvidenceKind, evidence_id
from farwatch.storage.heartbeats import database_now
from server.cli import main
from tests.support.alerting import WORKS, at, smoke
from tests.support.real_case import RealCase

PYTHON = Path(sys.base_prefix) / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}"


@pytest.fixture
async def case(pool: Pool, data_dir: Path) -> RealCase:
    real = RealCase(pool, data_dir)
    await real.happen()
    return real


@pytest.fixture
def farwatch(database_url: str, data_dir: Path, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    """The command, in a thread of its own: it brings its own loop."""
    monkeypatch.setenv("FARWATCH_DATABASE_URL", database_url)
    monkeypatch.setenv("FARWATCH_DATA_DIR", str(data_dir))

    async def run(*arguments: str | Path) -> int:
        return await asyncio.to_thread(main, [str(a) for a in arguments])

    return run


def verify_alone(folder: Path, *arguments: str, python: Path = PYTHON) -> subprocess.CompletedProcess[str]:
    """verify.py in a folder of its own: no site, no user's packages, no environment, no other module."""
    return subprocess.run(
        [python, "-I", "-S", "verify.py", *arguments],
        cwd=folder, env={}, capture_output=True, text=True, timeout=60,
    )  # fmt: skip


async def test_an_exported_case_is_verified_offline_by_python_alone(
    case: RealCase, farwatch, tmp_path: Path
) -> None:  # type: ignore[no-untyped-def]
    away = tmp_path / "away"
    assert await farwatch("evidence", "verifier", "--out", away) == 0
    assert await farwatch("evidence", "roots", "--out", away / "roots.json") == 0
    assert await farwatch("evidence", "export", "1", "--out", away / "case.zip", "--purpose", "case") == 0
    key = keys.load(case.data_dir)
    assert key is not None
    (away / "key.pem").write_text(keys.public_pem(key.public_key))
    for named in (key.fingerprint, "key.pem"):
        done = verify_alone(away, "case.zip", "--key", named, "--roots", "roots.json")
        assert (done.returncode, done.stderr) == (0, ""), done.stdout
    done = verify_alone(away, "case.zip", "--key", "0000-" * 7 + "0000", "--roots", "roots.json")
    assert (done.returncode, done.stdout.splitlines()[1].split()[0]) == (1, "key_unknown")
    assert verify_alone(away, "case.zip", "--key", "nonsense").returncode == 2
    changed = bytearray((away / "case.zip").read_bytes())
    changed[1000] ^= 1
    (away / "case.zip").write_bytes(changed)
    done = verify_alone(away, "case.zip", "--key", key.fingerprint, "--roots", "roots.json")
    assert (done.returncode, "file_changed (evidence/" in done.stdout) == (1, True)


async def test_it_runs_in_a_new_environment_without_any_package(
    case: RealCase, farwatch, tmp_path: Path
) -> None:  # type: ignore[no-untyped-def]
    subprocess.run([PYTHON, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True, timeout=60)
    assert await farwatch("evidence", "export", "1", "--out", tmp_path / "c.zip", "--purpose", "review") == 0
    with zipfile.ZipFile(tmp_path / "c.zip") as archive:
        archive.extract("verify.py", tmp_path)
    key = keys.load(case.data_dir)
    assert key is not None
    done = verify_alone(
        tmp_path, "c.zip", "--key", key.fingerprint, python=tmp_path / "venv" / "bin" / "python"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "no roots were given" in done.stdout


async def test_the_zip_holds_the_whole_case(case: RealCase, farwatch, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    assert await farwatch("evidence", "export", "1", "--out", tmp_path / "c.zip", "--purpose", "case") == 0
    content = (tmp_path / "c.zip").read_bytes()
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        manifest = json.loads(archive.read("manifest.json"))
        log = [json.loads(line) for line in archive.read("log.jsonl").splitlines()]
        pieces = {p["kind"]: archive.read(p["path"]) for p in manifest["evidence"]}
    assert {kind: hashlib.sha256(piece).hexdigest() for kind, piece in pieces.items()} == {
        p["kind"]: p["sha256"] for p in manifest["evidence"]
    }
    assert set(pieces) == {"still", "clip", "clip_copy", "photo"}
    assert (manifest["exported_by"], manifest["purpose"]) == ("command line", "case")
    assert [a["action"] for a in manifest["actions"]] == [
        *["accept", "accept", "arrive", "handle", "verify", "close"]
    ]
    assert manifest["actions"][3]["note"] == "烟囱已关"
    assert all({"claimed_at", "received_at", "salted_with"} <= a.keys() for a in manifest["actions"])
    assert manifest["findings"][0]["detector"] == {}
    assert manifest["task"]["policy"]
    assert {d["kind"] for d in manifest["deadlines"]} >= {"accept", "arrive"}
    events = [json.loads(line["text"]) for line in log]
    told = [e["evidence"] for e in events if e["type"] == "evidence_stored"]
    assert told[0] == str(evidence_id(case.finding.id, EvidenceKind.STILL))
    assert events[0]["task"] is None, "the still was told before there was a task"
    assert len(told) == 4
    assert manifest["events"]["count"] == len(log)
    assert "phone" not in content.decode("utf-8", "replace").replace("phone_sha256", "")


async def test_an_export_is_told_in_the_log_and_the_next_one_holds_it(
    case: RealCase, farwatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:  # type: ignore[no-untyped-def]
    assert await farwatch("evidence", "export", "1", "--out", tmp_path / "1.zip", "--purpose", "case") == 0
    assert "under no seal yet" not in capsys.readouterr().out
    await case.number()
    assert await farwatch("evidence", "export", "1", "--out", tmp_path / "2.zip", "--purpose", "review") == 0
    assert "1 entries of its log are under no seal yet: export it again" in capsys.readouterr().out
    with zipfile.ZipFile(tmp_path / "2.zip") as archive:
        last = json.loads(json.loads(archive.read("log.jsonl").splitlines()[-1])["text"])
        assert json.loads(archive.read("manifest.json"))["events"]["unsealed"] == 1
    assert (last["type"], last["what"], last["purpose"]) == ("custody", "exported", "case")


async def test_notes_and_positions_are_the_ones_that_the_log_committed_to(
    case: RealCase, farwatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:  # type: ignore[no-untyped-def]
    key = keys.load(case.data_dir)
    assert key is not None
    deeds = await case.pool.fetch("SELECT client_id, salt FROM actions WHERE lat IS NOT NULL")
    assert deeds
    assert all(deed["salt"] for deed in deeds)
    assert await farwatch("evidence", "export", "1", "--out", tmp_path / "1.zip", "--purpose", "case") == 0
    assert await farwatch("evidence", "verify", tmp_path / "1.zip", "--key", key.fingerprint) == 0
    await case.pool.execute("UPDATE actions SET note = 'nothing found' WHERE action = 'handle'")
    assert await farwatch("evidence", "export", "1", "--out", tmp_path / "2.zip", "--purpose", "case") == 0
    assert await farwatch("evidence", "verify", tmp_path / "2.zip", "--key", key.fingerprint) == 1
    assert "commitment_differs (deed " in capsys.readouterr().out


async def test_what_the_services_role_makes_of_a_sealed_case_is_found(
    case: RealCase, farwatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:  # type: ignore[no-untyped-def]
    """No key and no owner: it adds to the log, changes rows, puts another film in the folder, and the service signs that."""
    roots = tmp_path / "roots.json"
    assert await farwatch("evidence", "roots", "--out", roots) == 0
    film, clip = case.blobs.put_bytes(b"another film"), evidence_id(case.finding.id, EvidenceKind.CLIP)
    told = {"task": 1, "evidence": str(clip), "sha256": film.sha256, "sm3": film.sm3}
    async with case.pool.acquire() as connection:
        await events.append(connection, "evidence_stored", **told)
    await case.pool.execute(
        "UPDATE evidence SET sha256 = $1, sm3 = $2 WHERE id = $3", film.sha256, film.sm3, clip
    )
    await case.pool.execute("UPDATE actions SET note = '查无异常', salt = NULL WHERE action = 'handle'")
    await case.pool.execute(
        "UPDATE evidence SET state = 'purged', purged_at = now(), erased_at = now() WHERE kind = 'photo'"
    )
    await case.number()
    assert await farwatch("evidence", "export", "1", "--out", tmp_path / "c.zip", "--purpose", "case") == 0
    key = keys.load(case.data_dir)
    assert key is not None
    capsys.readouterr()
    asked = (tmp_path / "c.zip", "--key", key.fingerprint, "--roots", roots)
    assert await farwatch("evidence", "verify", *asked) == 1
    said = capsys.readouterr().out
    told = {line.split()[0] for line in said.splitlines()[1:] if "(" in line.partition(":")[0]}
    assert told == {"file_changed", "file_missing", "sm3_differs", "commitment_differs"}


async def a_late_case(pool: Pool, data_dir: Path) -> RealCase:
    """Missed twice, one of it excused and one revoked; handed over, joined by another matter, and not all of it is over."""
    await pool.execute("INSERT INTO teams (id, name, lead) VALUES ('t', 't', 'near')")
    await pool.execute(
        "INSERT INTO officers (id, name, team, lat, lon) VALUES ('far', 'far', 't', 31.2, 121.4)"
    )
    case = RealCase(pool, data_dir)
    world = case.world
    await world.found(case.finding)
    await world.settle()
    for s, who, deed, more in (
        (302, "near", "accept", {}),
        (310, "centre", "excuse", {"deadline": DeadlineKind.ACCEPT, "note": "全网断线"}),
        (320, "near", "hand-over", {"to": "far", "note": "换班"}),
        (330, "far", "accept", {}),
        (620, "far", "arrive", {"position": WORKS, "now": lambda _: a_moment(599)}),
        (640, "far", "arrive", {"position": WORKS}),
        (1500, "far", "handle", {"note": "烟囱已关"}),
    ):
        world.s = s
        if s == 330:
            await world.found(smoke("second stack", onset_at=at(325)))
        await world.settle()
        assert (await world.act(who, deed, **more)).result == "done", deed
    await case.number(hours_ago=1.5)
    assert await case.seal()
    return case


async def a_moment(s: float) -> datetime:
    return at(s)


TAMPERED = {
    "UPDATE actions SET actor = 'user-li' WHERE action = 'handle'": "deed_differs",
    "UPDATE actions SET claimed_at = claimed_at - interval '5 min' WHERE action = 'arrive'": "deed_differs",
    "UPDATE actions SET received_at = received_at - interval '1 s' WHERE action = 'arrive'": "deed_differs",
    "UPDATE tasks SET accepted_at = accepted_at - interval '10 s'": "task_differs",
    "UPDATE tasks SET outcome = 'false_alarm'": "task_differs",
    "UPDATE tasks SET opened_at = opened_at + interval '10 s'": "task_differs",
    "UPDATE matters SET event_at = event_at + interval '10 s'": "task_differs",
    "UPDATE matters SET arrived_at = arrived_at - interval '10 s'": "task_differs",
    "UPDATE matters SET accepted_at = accepted_at - interval '10 s'": "task_differs",
    "UPDATE deadlines SET state = 'met' WHERE state = 'breached'": "deadline_differs",
    "UPDATE deadlines SET state = 'cancelled' WHERE state = 'met'": "deadline_differs",
    "UPDATE deadlines SET excused_at = NULL": "deadline_differs",
    "DELETE FROM deadlines WHERE kind = 'arrive'": "deadline_differs",
}


async def test_rows_of_a_late_case_are_held_against_the_log(
    pool: Pool, data_dir: Path, farwatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:  # type: ignore[no-untyped-def]
    case = await a_late_case(pool, data_dir)
    states = await pool.fetch(
        "SELECT kind, state FROM deadlines WHERE state IN ('breached', 'met') ORDER BY kind, state"
    )
    assert {"breached", "met"} == {r["state"] for r in states}
    types = {r["type"] for r in await pool.fetch("SELECT event::jsonb ->> 'type' AS type FROM log")}
    assert {"breach_revoked", "breach_excused", "task_handed_over", "matter_joined"} <= types
    key = keys.load(case.data_dir)
    assert key is not None
    async with pool.acquire() as connection:
        for i, tampering in enumerate(["SELECT", *TAMPERED]):
            undone = connection.transaction()
            await undone.start()
            await connection.execute(tampering)
            with (tmp_path / f"{i}.zip").open("w+b") as file:
                packed = await case_export.read(connection, 1)
                assert packed is not None
                asked = Asked(by="chen", purpose="case", at=await database_now(connection))
                await export(packed, functools.partial(seals.leaves, pool), case.blobs, key, asked, file)
            await undone.rollback()
            verdict = await farwatch("evidence", "verify", tmp_path / f"{i}.zip", "--key", key.fingerprint)
            found = {line.split()[0] for line in capsys.readouterr().out.splitlines() if "_differs (" in line}
            assert (verdict, found) == ((1, {TAMPERED[tampering]}) if i else (0, set())), tampering


async def test_a_deed_that_changed_nothing_and_an_erased_note_leave_the_case_whole(
    case: RealCase, farwatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:  # type: ignore[no-untyped-def]
    handled = await case.pool.fetchval("SELECT client_id FROM actions WHERE action = 'handle'")
    assert await actions.erase_note(case.pool, handled, by="operator")
    assert await case.pool.fetchval("SELECT count(*) FROM actions WHERE action = 'accept'") == 2
    await case.number()
    assert await farwatch("evidence", "export", "1", "--out", tmp_path / "c.zip", "--purpose", "case") == 0
    key = keys.load(case.data_dir)
    assert key is not None
    assert await farwatch("evidence", "verify", tmp_path / "c.zip", "--key", key.fingerprint) == 0


async def test_a_piece_that_is_damaged_or_gone_is_exported_as_what_it_is(
    case: RealCase, farwatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:  # type: ignore[no-untyped-def]
    rows = {r["kind"]: r["sha256"] for r in await case.pool.fetch("SELECT kind, sha256 FROM evidence")}
    clip, still = case.blobs.path(rows["clip"]), case.blobs.path(rows["still"])
    clip.chmod(0o600)
    clip.write_bytes(b"forged")
    still.unlink()
    out = tmp_path / "c.zip"
    assert await farwatch("evidence", "export", "1", "--out", out, "--purpose", "case") == 1
    assert {"damaged", "missing"} == {line.split()[-1] for line in capsys.readouterr().err.splitlines()}
    key = keys.load(case.data_dir)
    assert key is not None
    assert await farwatch("evidence", "verify", out, "--key", key.fingerprint) == 1
    said = capsys.readouterr().out
    assert "it was damaged when it was exported" in said
    assert "its bytes were missing when it was exported" in said


async def test_what_cannot_be_exported_is_one_line(
    case: RealCase, farwatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:  # type: ignore[no-untyped-def]
    out = tmp_path / "c.zip"
    assert await farwatch("evidence", "export", "99", "--out", out, "--purpose", "case") == 2
    assert "there is no task 99" in capsys.readouterr().err
    assert list(tmp_path.glob("*.zip*")) == list(tmp_path.glob(".*.zip*")) == []
    out.write_bytes(b"x")
    assert await farwatch("evidence", "export", "1", "--out", out, "--purpose", "case") == 2
    assert out.read_bytes() == b"x"
    shutil.rmtree(case.data_dir / "keys")
    assert await farwatch("evidence", "export", "1", "--out", tmp_path / "d.zip", "--purpose", "case") == 2
    assert "is missing: bring that key here" in capsys.readouterr().err


async def test_the_key_is_shown_and_replaced(
    case: RealCase, farwatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:  # type: ignore[no-untyped-def]
    assert await farwatch("evidence", "key", "show") == 0
    before, _, pem = capsys.readouterr().out.partition("\n")
    assert pem.startswith("-----BEGIN PUBLIC KEY-----")
    assert await farwatch("evidence", "roots", "--out", tmp_path / "roots.json") == 0
    assert await farwatch("evidence", "key", "rotate") == 0
    await case.number()
    assert await case.seal(in_hours=1) is False
    out = tmp_path / "c.zip"
    assert await farwatch("evidence", "export", "1", "--out", out, "--purpose", "case") == 0
    after = keys.load(case.data_dir)
    assert after is not None
    assert after.fingerprint != before
    roots = ("--roots", tmp_path / "roots.json")
    assert await farwatch("evidence", "verify", out, "--key", after.fingerprint, *roots) == 0
    assert await farwatch("evidence", "verify", out, "--key", after.fingerprint) == 1
    assert await farwatch("evidence", "verify", out, "--key", after.fingerprint, "--key", before) == 0


async def test_check_names_the_first_entry_under_a_seal_that_was_changed(
    case: RealCase, farwatch, capsys: pytest.CaptureFixture[str]
) -> None:  # type: ignore[no-untyped-def]
    assert await farwatch("check") == 0
    said = capsys.readouterr()
    assert "its seals hold up to n = " in said.out
    assert "log_unprotected" in said.err, "one role owns and writes here"
    rows = await case.pool.fetch("SELECT n, event, prev_hash FROM log ORDER BY n")
    await case.pool.execute("ALTER TABLE log DISABLE TRIGGER log_append_only")
    before = rows[2]["prev_hash"]
    for row in rows[2:]:
        text = row["event"].replace('"near"', '"far"')
        digest = hashlib.sha256(before + text.encode()).digest()
        await case.pool.execute(
            "UPDATE log SET event = $2, prev_hash = $3, hash = $4 WHERE n = $1",
            row["n"],
            text,
            before,
            digest,
        )
        before = digest
    assert await farwatch("check") == 1
    said = capsys.readouterr()
    assert "the log's chain breaks" not in said.out, "the forger has made the chain anew"
    assert "does not hold: an entry under it was changed" in said.out
