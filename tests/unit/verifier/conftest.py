from pathlib import Path

import pytest

from tests.support.evidence_case import Paper


@pytest.fixture
def paper(tmp_path: Path) -> Paper:
    return Paper(folder=tmp_path / "blobs")


@pytest.fixture
async def good(paper: Paper) -> bytes:
    return await paper.pack()
