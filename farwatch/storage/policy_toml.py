"""`policy.toml` as text and as values. A key that is not known is an error that names it."""

import tomllib
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any, Self, get_args

from pydantic import BaseModel, Field, ValidationError, model_validator

from farwatch.domain.finding import Tier
from farwatch.domain.policy import (
    SHIPPED,
    Action,
    EvidenceRule,
    FirstTimeRule,
    LimitRule,
    Policy,
    RetentionRule,
    SilenceRule,
    StormRule,
)
from farwatch.storage.policy_tables import judging, sending, work
from farwatch.storage.policy_tables.table import Metres, Seconds, Table


class PolicyError(Exception):
    """The text is not a policy; `problems` are lines for the operator, each naming its key."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


class _PolicyFile(Table):
    warn_window_s: Seconds = SHIPPED.warn_window_s
    join_radius_m: Metres = SHIPPED.join_radius_m
    join_within_s: Seconds = SHIPPED.join_within_s
    position_fresh_s: Seconds = SHIPPED.position_fresh_s
    reopen_within_s: Seconds = SHIPPED.reopen_within_s
    confirm_within_s: Seconds = SHIPPED.confirm_within_s
    actions: list[judging.ActionRow] | None = None
    n_of_m: list[judging.NOfMRow] = Field(default_factory=list)
    limit: judging.Limit = Field(default_factory=judging.Limit)
    silence: judging.Silence = Field(default_factory=judging.Silence)
    quality: judging.Quality = Field(default_factory=judging.Quality)
    retention: judging.Retention = Field(default_factory=judging.Retention)
    evidence: judging.Evidence = Field(default_factory=judging.Evidence)
    task: work.Task = Field(default_factory=work.Task)
    storm: work.Storm = Field(default_factory=work.Storm)
    first_time: work.FirstTime = Field(default_factory=work.FirstTime)
    calendar: work.Calendar = Field(default_factory=work.Calendar)
    dispatch: sending.Dispatch = Field(default_factory=sending.Dispatch)
    notices: sending.Notices = Field(default_factory=sending.Notices)

    @model_validator(mode="after")
    def _once(self) -> Self:
        for name, rows in (("actions", self.actions or []), ("n_of_m", self.n_of_m)):
            pairs = [(row.rule, row.tier) for row in rows]
            if twice := sorted({f"{rule}/{tier}" for rule, tier in pairs if pairs.count((rule, tier)) > 1}):
                raise ValueError(f"{name}: listed twice: {', '.join(twice)}")
        return self

    def policy(self) -> Policy:
        return Policy(
            warn_window_s=self.warn_window_s,
            join_radius_m=self.join_radius_m,
            join_within_s=self.join_within_s,
            position_fresh_s=self.position_fresh_s,
            reopen_within_s=self.reopen_within_s,
            confirm_within_s=self.confirm_within_s,
            actions=SHIPPED.actions
            if self.actions is None
            else {(row.rule, Tier(row.tier)): Action(row.action) for row in self.actions},
            limit=LimitRule(**self.limit.model_dump()),
            silence=SilenceRule(**self.silence.model_dump()),
            quality=self.quality.rule(),
            retention=RetentionRule(**self.retention.model_dump()),
            evidence=EvidenceRule(**self.evidence.model_dump()),
            task=self.task.value(),
            n_of_m=tuple(row.value() for row in self.n_of_m),
            storm=StormRule(**self.storm.model_dump()),
            dispatch=self.dispatch.value(),
            notices=self.notices.value(),
            first_time=FirstTimeRule(**self.first_time.model_dump()),
            calendar=self.calendar.value(),
        )


def _keys(table: type[BaseModel]) -> Iterator[str]:
    for name, field in table.model_fields.items():
        yield name
        for part in (
            field.annotation,
            *get_args(field.annotation),
            *(a for g in get_args(field.annotation) for a in get_args(g)),
        ):
            if isinstance(part, type) and issubclass(part, BaseModel):
                yield from _keys(part)


_KNOWN_KEYS = sorted(set(_keys(_PolicyFile)))


def parse(text: str) -> Policy:
    """The policy that the text says, everything it leaves out as shipped. Raises PolicyError with all problems."""
    try:
        return _PolicyFile.model_validate(tomllib.loads(text)).policy()
    except tomllib.TOMLDecodeError as error:
        raise PolicyError([f"not TOML: {error}"]) from error
    except ValidationError as error:
        raise PolicyError([_line(dict(problem)) for problem in error.errors()]) from error


def _line(problem: dict[str, Any]) -> str:
    where = ".".join(str(part + 1) if isinstance(part, int) else part for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        near = get_close_matches(str(problem["loc"][-1]), _KNOWN_KEYS, n=1)
        return f"{where}: unknown key" + (f", did you mean {near[0]!r}?" if near else "")
    message = str(problem["msg"]).removeprefix("Value error, ")
    return f"{where}: {message}" if where else message
