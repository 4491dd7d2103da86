"""Who is sent, and how people are told."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from farwatch.domain.finding import Kind
from farwatch.domain.policy import SHIPPED, ChannelRule, DispatchRule, Groups, NoticeRule
from farwatch.storage.policy_tables.table import Seconds, Table

Cost = Annotated[float, Field(ge=0, le=86400)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
Rows = Annotated[list[Annotated[list[Name], Field(min_length=1, max_length=20)]], Field(max_length=10)]


class SkillRow(Table):
    kind: Kind = Field(strict=False)
    skill: Annotated[str, Field(pattern=r"^\S{1,40}$")]


class Dispatch(Table):
    detour: Annotated[float, Field(ge=1, le=5)] = SHIPPED.dispatch.detour
    speed_m_s: Annotated[float, Field(ge=0.5, le=60)] = SHIPPED.dispatch.speed_m_s
    open_task_s: Cost = SHIPPED.dispatch.open_task_s
    other_grid_s: Cost = SHIPPED.dispatch.other_grid_s
    stale_s: Cost = SHIPPED.dispatch.stale_s
    skill_s: Cost = SHIPPED.dispatch.skill_s
    most_eta_s: Seconds = SHIPPED.dispatch.most_eta_s
    skill: list[SkillRow] = Field(default_factory=list)

    def value(self) -> DispatchRule:
        skills = tuple((row.kind.value, row.skill) for row in self.skill)
        return DispatchRule(**self.model_dump(exclude={"skill"}), skills=skills)


class ChannelRow(Table):
    name: Name
    per_minute: Annotated[float, Field(gt=0, le=6000)] = 18.0
    burst: Annotated[int, Field(ge=1, le=10_000)] = 18
    digest_from: Annotated[int, Field(ge=2, le=10_000)] = 5
    events: bool = False


class Notices(Table):
    officer: Rows = Field(default_factory=lambda: [list(group) for group in SHIPPED.notices.officer])
    lead: Rows = Field(default_factory=lambda: [list(group) for group in SHIPPED.notices.lead])
    centre: Rows = Field(default_factory=lambda: [list(group) for group in SHIPPED.notices.centre])
    city: Rows = Field(default_factory=lambda: [list(group) for group in SHIPPED.notices.city])
    enterprise: Rows = Field(default_factory=lambda: [list(group) for group in SHIPPED.notices.enterprise])
    fall_through_s: Annotated[float, Field(ge=1, le=3600)] = SHIPPED.notices.fall_through_s
    expire_s: Seconds = SHIPPED.notices.expire_s
    channel: list[ChannelRow] = Field(default_factory=list)

    @model_validator(mode="after")
    def _once(self) -> Self:
        names = [row.name for row in self.channel]
        if len(set(names)) != len(names):
            raise ValueError("channel: listed twice")
        return self

    def value(self) -> NoticeRule:
        return NoticeRule(
            officer=_groups(self.officer), lead=_groups(self.lead), centre=_groups(self.centre), city=_groups(self.city),
            enterprise=_groups(self.enterprise), fall_through_s=self.fall_through_s, expire_s=self.expire_s,
            channels=tuple(ChannelRule(**row.model_dump()) for row in self.channel),
        )  # fmt: skip


def _groups(rows: list[list[str]]) -> Groups:
    return tuple(tuple(group) for group in rows)
