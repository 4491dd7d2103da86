"""The blob store: bytes under their own hash, whole or not at all."""

import hashlib
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from farwatch.storage.blobs import BlobStore, digests, write_atomically


@pytest.fixture
def store(tmp_path: Path) -> BlobStore:
    return BlobStore(tmp_path / "evidence")


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(content=st.binary(max_size=4096))
def test_the_name_of_the_bytes_is_their_hash(store: BlobStore, content: bytes) -> None:
    sha256 = store.put_bytes(content).sha256
    assert sha256 == hashlib.sha256(content).hexdigest()
    assert store.path(sha256).read_bytes() == content
    assert store.verify(sha256)


SM3_OF_ABC = "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
SM3_OF_64_BYTES = "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732"


def test_both_hashes_are_those_of_the_standards() -> None:
    """GM/T 0004-2012, appendix A; FIPS 180-4."""
    of_abc = digests([b"abc"])
    assert of_abc.sm3 == SM3_OF_ABC
    assert of_abc.sha256 == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert digests([b"abcd" * 16]).sm3 == SM3_OF_64_BYTES


@given(chunks=st.lists(st.binary(max_size=200), max_size=6))
def test_however_the_bytes_are_cut_their_hashes_are_the_same(chunks: list[bytes]) -> None:
    assert digests(chunks) == digests([b"".join(chunks)])


def test_bytes_and_the_same_as_a_file_have_the_same_hashes(store: BlobStore) -> None:
    content = os.urandom(3_000_000)
    with store.scratch(".mp4") as source:
        source.write_bytes(content)
        from_file = store.put_file(source)
    assert from_file == store.put_bytes(content) == store.digests(from_file.sha256)


def test_a_file_of_several_chunks_becomes_the_kept_one(store: BlobStore) -> None:
    content = os.urandom(1024) * 3000
    with store.scratch(".mp4") as source:
        source.write_bytes(content)
        sha256 = store.put_file(source).sha256
    assert sha256 == hashlib.sha256(content).hexdigest()
    assert store.path(sha256).read_bytes() == content
    assert store.path(sha256).stat().st_mode & 0o777 == 0o440
    assert [p for p in store.path(sha256).parents[1].rglob("*") if p.is_file()] == [store.path(sha256)]


def test_the_same_bytes_twice_are_kept_once(store: BlobStore) -> None:
    assert store.put_bytes(b"same").sha256 == store.put_bytes(b"same").sha256
    assert list(store.all()) == [hashlib.sha256(b"same").hexdigest()]


def test_kept_bytes_are_not_writable(store: BlobStore) -> None:
    assert store.path(store.put_bytes(b"original").sha256).stat().st_mode & 0o777 == 0o440


def test_changed_and_missing_bytes_do_not_verify(store: BlobStore) -> None:
    sha256 = store.put_bytes(b"original").sha256
    store.path(sha256).chmod(0o600)
    store.path(sha256).write_bytes(b"forged")
    assert not store.verify(sha256)
    assert not store.verify("0" * 64)


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "A" * 64, "0" * 63, "0" * 63 + "/"])
def test_only_a_hash_leads_to_a_path(store: BlobStore, name: str) -> None:
    with pytest.raises(ValueError, match="SHA-256"):
        store.path(name)


def test_a_failed_write_leaves_nothing_behind(store: BlobStore, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        store.put_file(tmp_path / "missing")
    assert [p for p in (tmp_path / "evidence").rglob("*") if p.is_file()] == []


def test_what_a_killed_process_left_is_swept_and_what_is_being_written_is_not(store: BlobStore) -> None:
    with store.scratch(".mp4") as old, store.scratch(".mp4") as young:
        old.write_bytes(b"half")
        young.write_bytes(b"half")
        os.utime(old, (1000, 1000))
        assert store.sweep(datetime.fromtimestamp(2000, UTC)) == 1
        assert not old.exists()
        assert young.exists()


def test_bytes_are_removed_unless_they_were_kept_again_lately(store: BlobStore) -> None:
    sha256 = store.put_bytes(b"old").sha256
    os.utime(store.path(sha256), (1000, 1000))
    store.put_bytes(b"old")
    assert not store.remove(sha256, older_than=datetime.fromtimestamp(2000, UTC))
    assert store.verify(sha256)
    os.utime(store.path(sha256), (1000, 1000))
    for _ in range(2):
        assert store.remove(sha256, older_than=datetime.fromtimestamp(2000, UTC))
    assert list(store.all()) == []


def kill_while_it_removes(store: BlobStore, sha256: str) -> None:
    """A process that ends between taking the bytes off the shelf and asking for their age."""

    real_stat = Path.stat

    def stat(path: Path, **more: bool) -> os.stat_result:
        if path.parent.name == "unfinished":
            os._exit(9)
        return real_stat(path, **more)

    child = os.fork()
    if child == 0:
        Path.stat = stat  # type: ignore[method-assign,assignment]
        try:
            store.remove(sha256, older_than=datetime.fromtimestamp(2000, UTC))
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    assert not store.verify(sha256)


NOW = datetime.now(UTC)  # noqa: TID251


def test_bytes_that_a_killed_process_took_off_the_shelf_are_put_back(store: BlobStore) -> None:
    sha256 = store.put_bytes(b"old").sha256
    os.utime(store.path(sha256), (1000, 1000))
    kill_while_it_removes(store, sha256)
    assert store.sweep(NOW - timedelta(hours=1)) == 0
    assert not store.verify(sha256), "its owner may be at it"
    assert store.sweep(NOW + timedelta(hours=1)) == 0
    assert store.verify(sha256)
    assert store.remove(sha256, older_than=datetime.fromtimestamp(2000, UTC))


def test_bytes_that_were_kept_anew_meanwhile_stay_as_young_as_they_are(store: BlobStore) -> None:
    sha256 = store.put_bytes(b"old").sha256
    os.utime(store.path(sha256), (1000, 1000))
    kill_while_it_removes(store, sha256)
    store.put_bytes(b"old")
    store.sweep(NOW + timedelta(hours=1))
    assert not store.remove(sha256, older_than=datetime.fromtimestamp(2000, UTC))
    assert [p for p in store.path(sha256).parents[1].rglob("*") if p.is_file()] == [store.path(sha256)]


def test_a_store_is_short_when_less_than_its_floor_is_free(tmp_path: Path) -> None:
    assert not BlobStore(tmp_path / "not yet made").is_short
    assert BlobStore(tmp_path / "not yet made", floor_bytes=1 << 62).is_short


def test_an_atomic_write_replaces_the_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "live.jpg"
    write_atomically(path, b"first and long")
    write_atomically(path, b"second")
    assert path.read_bytes() == b"second"
    assert list(tmp_path.iterdir()) == [path]
