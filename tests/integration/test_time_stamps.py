"""Seals are witnessed by an authority that is none of ours."""

import io
from pathlib import Path

import pytest

from alerting.sealing import exporting, keys, stamping
from alerting.sealing.stamping import Authority, judge, read_certificate, stamp_all
from alerting.verifier.verify import verify
from farwatch.runtime.clock import SystemClock
from farwatch.storage import seals
from farwatch.storage.custody import Purpose
from farwatch.storage.database import Pool
from server.cli import main
from server.roles.engine import authority_of
from server.settings import Settings, SettingsError
from tests.support.authority import OPENSSL, an_authority
from tests.support.real_case import RealCase

pytestmark = pytest.mark.skipif(OPENSSL is None, reason="openssl is not installed")


async def a_zip(case: RealCase) -> bytes:
    key, out = keys.load(case.data_dir), io.BytesIO()
    assert key is not None
    assert await exporting.take_out(
        case.pool, case.blobs, key, out, task=1, by="chen", purpose=Purpose.CASE, clock=SystemClock()
    )
    return out.getvalue()


async def test_a_seal_is_stamped_once_and_the_stamp_goes_with_the_case(
    pool: Pool, data_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    case = RealCase(pool, data_dir)
    await case.happen()
    async with an_authority(tmp_path / "tsa") as (tsa, url):
        authority = Authority(url, read_certificate(tsa.root))
        assert await stamp_all(pool, authority) == 0
        assert await stamp_all(pool, authority) == 0
        assert tsa.asked == 1
        other_root = tsa.root
    (tmp_path / "ca.pem").write_bytes(other_root)
    (tmp_path / "case.zip").write_bytes(await a_zip(case))
    (signed,) = await seals.all_in_order(pool)
    (stamp,) = await seals.stamps(pool, [signed.seal.hour])
    assert stamp.authority == url.split("/")[2]
    assert abs((stamp.stamped_at - (await pool.fetchval("SELECT now()"))).total_seconds()) < 60
    arguments = ["evidence", "verify", str(tmp_path / "case.zip"), "--key", signed.key]
    assert main([*arguments, "--tsa-certificate", str(tmp_path / "ca.pem")]) == 0
    assert f"the seal of {signed.seal.hour.isoformat()} was stamped at" in capsys.readouterr().out
    assert main(arguments) == 0
    assert "nobody vouches for" in capsys.readouterr().out


SPOILT = {
    "another status": ("503 Service Unavailable", bytes),
    "a redirect": ("302 Found", bytes),
    "no stamp": ("200 OK", lambda _: b"<html>welcome"),
    "a cut one": ("200 OK", lambda token: token[:-20]),
    "a forged one": ("200 OK", lambda token: token[:-8] + bytes(8)),
    "endless": ("200 OK", lambda _: bytes(100_000)),
}


@pytest.mark.parametrize("how", SPOILT)
async def test_what_is_no_stamp_of_the_root_is_not_kept_and_asked_for_again(
    pool: Pool, data_dir: Path, tmp_path: Path, how: str
) -> None:
    case = RealCase(pool, data_dir)
    await case.happen()
    async with an_authority(tmp_path / "tsa") as (tsa, url):
        authority = Authority(url, read_certificate(tsa.root))
        tsa.status, tsa.spoil = SPOILT[how]
        assert await stamp_all(pool, authority) == 1
        assert await pool.fetchval("SELECT count(*) FROM seal_stamps") == 0
        assert stamping.UNSTAMPED._value.get() == 1
        tsa.status, tsa.spoil = "200 OK", bytes
        assert await stamp_all(pool, authority) == 0
    assert await pool.fetchval("SELECT count(*) FROM seal_stamps") == 1


async def test_a_stamp_of_another_authority_or_of_another_root_is_named(
    pool: Pool, data_dir: Path, tmp_path: Path
) -> None:
    case = RealCase(pool, data_dir)
    await case.happen()
    async with an_authority(tmp_path / "tsa") as (tsa, url), an_authority(tmp_path / "other") as (other, _):
        await stamp_all(pool, Authority(url))
        (stamp,) = verify(io.BytesIO(await a_zip(case)), []).stamps
        own, foreign = read_certificate(tsa.root), read_certificate(other.root)
    assert judge([stamp], own)[0] == []
    assert [found.name for found in judge([stamp], foreign)[0]] == ["stamp_wrong"]
    moved = stamp.__class__(stamp.hour, bytes(32), stamp.authority, stamp.token)
    for certificate in (own, None):
        assert [found.name for found in judge([moved], certificate)[0]] == ["stamp_wrong"]


async def test_an_authority_that_is_away_costs_nothing_but_the_stamp(pool: Pool, data_dir: Path) -> None:
    case = RealCase(pool, data_dir)
    await case.happen()
    assert await stamp_all(pool, Authority("http://127.0.0.1:1/")) == 1


def test_an_authoritys_password_is_no_part_of_its_name() -> None:
    assert Authority("https://user:secret@tsa.example:318/path").name == "tsa.example:318"


def test_a_certificate_that_is_none_stops_the_start(tmp_path: Path) -> None:
    settings = {"database_url": "postgresql://x@127.0.0.1/x", "tsa_url": "https://tsa.example/"}
    assert authority_of(Settings(**settings)) == Authority("https://tsa.example/")
    (tmp_path / "no.pem").write_text("nothing")
    for name in ("no.pem", "missing.pem"):
        with pytest.raises(SettingsError, match=f"FARWATCH_TSA_CERTIFICATE .*{name}"):
            authority_of(Settings(**settings, tsa_certificate=tmp_path / name))
