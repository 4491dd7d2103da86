"""The secret behind visit codes: one for all processes, readable by its owner only."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from server import visit_key


def test_of_many_that_make_it_at_once_all_read_the_same(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as threads:
        keys = set(threads.map(lambda _: visit_key.ensure(tmp_path), range(64)))
    assert len(keys) == 1
    assert {len(key) for key in keys} == {visit_key.KEY_BYTES}
    folder = visit_key.path_in(tmp_path).parent
    assert [p.name for p in folder.iterdir()] == ["visit.key"]


def test_nobody_else_may_read_it(tmp_path: Path) -> None:
    visit_key.ensure(tmp_path)
    path = visit_key.path_in(tmp_path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_file_that_is_no_key_is_said_without_its_bytes(tmp_path: Path) -> None:
    path = visit_key.path_in(tmp_path)
    path.parent.mkdir()
    path.write_text("hunter2")
    with pytest.raises(visit_key.VisitKeyError) as said:
        visit_key.ensure(tmp_path)
    assert "hunter2" not in str(said.value)
