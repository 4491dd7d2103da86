"""How many processes watch the cameras, and how large each may become."""

import pytest

from farwatch.domain.share import MOST_SHARES, Share
from server import serve
from server.settings import Settings

BASE = {"database_url": "postgresql://x@h/d"}


@pytest.mark.parametrize(
    ("wanted", "cores", "processes"), [(0, 1, 1), (0, 2, 1), (0, 3, 2), (0, 16, 8), (0, 500, 32), (3, 16, 3)]
)
def test_there_is_a_process_for_every_two_cores_unless_somebody_says_otherwise(
    monkeypatch: pytest.MonkeyPatch, wanted: int, cores: int, processes: int
) -> None:
    monkeypatch.setattr(serve, "cores", lambda: cores)
    settings = Settings.model_validate(BASE | {"camera_processes": wanted})
    found = serve.processes_of(["web", "cameras"], settings)
    assert [p.name for p in found] == ["web", *(f"cameras {i}/{processes}" for i in range(1, processes + 1))]


def test_only_camera_processes_are_watched_with_the_bounds_of_the_settings() -> None:
    settings = Settings.model_validate(BASE | {"camera_memory_base_mb": 500, "camera_memory_each_mb": 20})
    web, cameras, *_ = serve.processes_of(["web", "cameras"], settings)
    assert web.bounds is None
    assert cameras.bounds is not None
    assert (cameras.bounds.base_bytes, cameras.bounds.each_bytes) == (500_000_000, 20_000_000)


@pytest.mark.parametrize("text", ["0/1", "2/1", "1", "a/b", "1/0", f"1/{MOST_SHARES + 1}", "01/2", "1/2 "])
def test_what_is_no_share_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="a share looks like"):
        Share.parse(text)


def test_a_share_is_read_as_it_is_written() -> None:
    for share in (Share(), Share(1, 2), Share(MOST_SHARES - 1, MOST_SHARES)):
        assert Share.parse(str(share)) == share
