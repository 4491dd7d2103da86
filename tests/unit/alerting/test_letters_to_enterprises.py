"""What a warned enterprise is sent: the link by which it answers, and nothing of the secret behind it."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from alerting.letters import Letters
from alerting.visits import warning_of
from farwatch.domain.finding import Param
from farwatch.storage.notice_attempts import Queued

FINDING = UUID("5f6b4d4e-7c0e-5c59-9d2e-0f3a4b1d8c11")
SECRET = b"s" * 32
LETTERS = Letters(source="here", public_url="https://watch.example", secret=SECRET)
PARAMS: dict[str, Param] = {"enterprise": "化工厂", "subject": "一号排口", "code": "a21026", "window_min": 5}


def queued(key: str = "warned", finding: UUID | None = FINDING, task: int | None = None) -> Queued:
    return Queued(
        id=1, task=task, finding=finding, step=key, channel="wecom", target="e1", message_key=key, params=PARAMS, key="k",
        attempts=1, drill_id=None, created_at=datetime(2026, 11, 22, tzinfo=UTC), about={},
    )  # fmt: skip


@pytest.mark.parametrize("key", ["warned", "warned_half"])
def test_a_warning_carries_the_link_that_opens_it(key: str) -> None:
    message = LETTERS.notice([queued(key)])
    link = message.text.splitlines()[-1]
    assert link.startswith("https://watch.example/w/")
    assert warning_of(SECRET, link.rpartition("/")[2]) == FINDING
    assert "化工厂" in message.text
    assert link not in str(message.event)


@pytest.mark.parametrize(
    ("letters", "notice"),
    [
        (Letters(source="here", secret=SECRET), queued()),
        (Letters(source="here", public_url="https://watch.example"), queued()),
        (LETTERS, queued("enterprise_has_no_channel")),
        (LETTERS, queued("offered", finding=None, task=3)),
    ],
)
def test_nobody_else_gets_one(letters: Letters, notice: Queued) -> None:
    assert "/w/" not in letters.notice([notice]).text


def test_the_secret_shows_nowhere() -> None:
    assert "ssss" not in repr(LETTERS)
