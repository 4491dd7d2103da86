"""A row of channels.csv: the channel, and the limits that the row or its preset gives it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from farwatch.domain.reading import ReadingKind
from farwatch.domain.registry import Channel, Limit
from server.registry.cells import (
    ALWAYS_VALID_FROM,
    Device,
    Instant,
    Name,
    Number,
    OptionalNumber,
    OptionalTruth,
    Schedule,
    Text,
    Truth,
    narrow,
)
from server.registry.presets import Preset, UnitError, catalogue, limits_for
from server.registry.problems import did_you_mean
from server.registry.row import Row

HEADER = (
    "mn,code,unit,limit,limit_kind,converted,warn_share,valid_from,range_low,range_high,role,lower,schedule,source,"
    "unverified,preset"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelLine:
    """What one row says. `filled` are limits that come from `preset`; an explicit one of the same key goes before them."""

    channel: Channel
    limits: tuple[Limit, ...]
    filled: tuple[Limit, ...] = ()
    preset: Preset | None = None


def _lower_case(cell: object) -> str:
    return narrow(cell).lower()


def _warn_share(cell: object) -> object:
    return cell if narrow(cell) else "1"


class ChannelRow(Row):
    """A row without limit and lower says: measured, but no limit. It may leave limit_kind empty too; it then says rtd."""

    mn: Device
    code: Device
    unit: Name
    limit: OptionalNumber
    limit_kind: Annotated[Literal["rtd", "min", "hour", "day", ""], BeforeValidator(_lower_case)]
    converted: Truth = False
    warn_share: Annotated[Number, BeforeValidator(_warn_share), Field(gt=0, le=1)] = 1.0
    valid_from: Instant = ALWAYS_VALID_FROM
    range_low: OptionalNumber = None
    range_high: OptionalNumber = None
    role: Annotated[
        Literal["o2", "flow", "temperature", "humidity", "velocity", "load", "fan", "purifier", ""],
        BeforeValidator(_lower_case),
    ] = ""
    lower: OptionalNumber = None
    schedule: Schedule = ""
    source: Text = ""
    unverified: OptionalTruth = None
    preset: Text = ""

    @model_validator(mode="after")
    def _limit_makes_sense(self) -> Self:
        if self.limit is not None and self.limit <= 0:
            raise ValueError("limit: must be above 0; leave it empty where there is none")
        if self._is_bound and not self.limit_kind:
            raise ValueError("limit_kind: must say which readings the limit is for: rtd, min, hour or day")
        if self.limit is not None and self.lower is not None and self.lower >= self.limit:
            raise ValueError(f"lower: {self.lower:g} is not below the limit, {self.limit:g}")
        if self.schedule and self.limit_kind == "day":
            raise ValueError("schedule: a day has no part of the day: say hour, or leave it empty")
        return self

    @model_validator(mode="after")
    def _range_makes_sense(self) -> Self:
        if self.range_low is not None and self.range_high is not None and self.range_low >= self.range_high:
            raise ValueError(f"range_high: {self.range_high:g} is not above range_low, {self.range_low:g}")
        return self

    @model_validator(mode="after")
    def _preset_is_known(self) -> Self:
        if not self.preset:
            return self
        if self.preset not in catalogue():
            raise ValueError(
                f"preset: unknown preset {self.preset!r}{did_you_mean(self.preset, catalogue())}"
            )
        try:
            found = limits_for(catalogue()[self.preset], self.code, self.unit)
        except UnitError as error:
            raise ValueError(f"unit: {error}") from None
        if not found:
            raise ValueError(f"preset: {self.preset} has no limit for {self.code}")
        return self

    @property
    def _is_bound(self) -> bool:
        return self.limit is not None or self.lower is not None

    def value(self) -> ChannelLine:
        channel = Channel(
            mn=self.mn, code=self.code, unit=self.unit, range_low=self.range_low, range_high=self.range_high,
            role=self.role,
        )  # fmt: skip
        preset = catalogue().get(self.preset)
        filled = tuple(self._filled(preset)) if preset else ()
        own = () if filled and not self._is_bound else (self._own(),)
        return ChannelLine(channel=channel, limits=own, filled=filled, preset=preset if filled else None)

    def _own(self) -> Limit:
        return Limit(
            mn=self.mn,
            code=self.code,
            unit=self.unit,
            kind=ReadingKind(self.limit_kind or "rtd"),
            limit=self.limit,
            converted=self.converted,
            warn_share=self.warn_share,
            valid_from=self.valid_from,
            lower=self.lower,
            schedule=self.schedule,
            source=self.source,
            unverified=bool(self.unverified),
        )

    def _filled(self, preset: Preset) -> Iterator[Limit]:
        """Of the kind and schedule that the row names, else of all; where the row has a limit of its own, of the others."""
        for found in limits_for(preset, self.code, self.unit):
            named = found.kind == (self.limit_kind or found.kind) and found.schedule == (
                self.schedule or found.schedule
            )
            if named is self._is_bound:
                continue
            yield Limit(
                mn=self.mn,
                code=self.code,
                unit=self.unit,
                kind=found.kind,
                limit=found.limit,
                converted=found.converted,
                warn_share=self.warn_share,
                valid_from=self.valid_from,
                lower=found.lower,
                schedule=found.schedule,
                source=found.source,
                unverified=not found.is_compared if self.unverified is None else self.unverified,
            )
