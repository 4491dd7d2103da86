"""Limits by standard and row (presets.toml), which a row of channels.csv may name instead of writing the numbers."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from farwatch.domain.pollutants import about, canonical
from farwatch.domain.reading import ReadingKind
from farwatch.domain.schedule import stretch_of

_FILE = "presets.toml"
_THOUSANDTH = {"ug/L": "mg/L", "ug/m3": "mg/m3"}
"""Units of which a thousand make one of a preset's."""


class UnitError(ValueError):
    """The channel's unit is not one that the preset's limit can be told in."""


class Basis(StrEnum):
    """Where a number comes from."""

    COMPARED = "compared"
    SECONDARY = "secondary"
    COMMON_KNOWLEDGE = "common knowledge"


@dataclass(frozen=True, slots=True, kw_only=True)
class PresetLimit:
    """`source` is standard and row. Nobody has compared it with the standard's text unless `basis` says so."""

    code: str
    kind: ReadingKind
    unit: str
    limit: float | None
    lower: float | None
    converted: bool
    schedule: str
    source: str
    basis: Basis

    @property
    def is_compared(self) -> bool:
        return self.basis is Basis.COMPARED


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """One row of a standard. `o2_reference_percent` is its reference oxygen (基准氧含量), where it has one."""

    id: str
    zh: str
    en: str
    standard: str
    o2_reference_percent: float | None
    limits: tuple[PresetLimit, ...]


@cache
def catalogue() -> Mapping[str, Preset]:
    """What this version ships, by id."""
    text = resources.files(__package__).joinpath(_FILE).read_text("utf-8")
    return MappingProxyType({p.id: p for p in parse(text)})


def parse(text: str) -> list[Preset]:
    """Raises pydantic's ValidationError, or TOMLDecodeError."""
    return [table.value() for table in _File.model_validate(tomllib.loads(text)).preset]


def limits_for(preset: Preset, code: str, unit: str) -> list[PresetLimit]:
    """The preset's limits for that code, of 2017 or 2005, told in `unit`. Raises UnitError."""
    wanted = canonical(code)
    return [_told_in(limit, unit) for limit in preset.limits if limit.code == wanted]


def _told_in(limit: PresetLimit, unit: str) -> PresetLimit:
    said = _plain(unit)
    if said == limit.unit:
        return limit
    if _THOUSANDTH.get(said) != limit.unit:
        raise UnitError(f"{unit!r}, but the preset's limit for {limit.code} is in {limit.unit!r}")
    return PresetLimit(
        code=limit.code, kind=limit.kind, unit=unit, limit=_times_1000(limit.limit), lower=_times_1000(limit.lower),
        converted=limit.converted, schedule=limit.schedule, source=limit.source, basis=limit.basis,
    )  # fmt: skip


def _times_1000(amount: float | None) -> float | None:
    return None if amount is None else round(amount * 1000, 9)


def _plain(unit: str) -> str:
    """Spellings of one unit: mg/m³ and mg/Nm3, µg/L, ℃, dBA, 无量纲."""
    text = unit.replace(" ", "").replace("³", "3").replace("µ", "u").replace("μ", "u").replace("Nm3", "m3")
    others = {
        "℃": "Cel",
        "°C": "Cel",
        "dB": "dB(A)",
        "dBA": "dB(A)",
        "无量纲": "pH",
        "mg/l": "mg/L",
    }
    return others.get(text, text)


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


_Kind = Literal["rtd", "min", "hour", "day"]
_Basis = Literal["compared", "secondary", "common knowledge"]


class _Limit(_Table):
    code: str
    limit: Annotated[float, Field(gt=0)] | None = None
    lower: float | None = None
    kind: _Kind | None = None
    unit: str | None = None
    converted: bool | None = None
    schedule: str = ""
    basis: _Basis | None = None

    @model_validator(mode="after")
    def _is_a_limit(self) -> Self:
        stretch_of(self.schedule)
        if self.limit is None and self.lower is None:
            raise ValueError(f"{self.code} has neither limit nor lower")
        return self


class _Preset(_Table):
    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]+/[A-Za-z0-9-]+$")]
    zh: str
    en: str
    standard: str
    o2_reference_percent: Annotated[float, Field(ge=0, lt=21)] | None = None
    kind: _Kind
    unit: str
    converted: bool = False
    basis: _Basis
    limits: list[_Limit]

    def value(self) -> Preset:
        limits = tuple(self._limit(limit) for limit in self.limits)
        return Preset(
            id=self.id, zh=self.zh, en=self.en, standard=self.standard,
            o2_reference_percent=self.o2_reference_percent, limits=limits,
        )  # fmt: skip

    def _limit(self, limit: _Limit) -> PresetLimit:
        return PresetLimit(
            code=limit.code,
            kind=ReadingKind(limit.kind or self.kind),
            unit=limit.unit or self.unit,
            limit=limit.limit,
            lower=limit.lower,
            converted=self.converted if limit.converted is None else limit.converted,
            schedule=limit.schedule,
            source=f"{self.standard} {self.zh}",
            basis=Basis(limit.basis or self.basis),
        )


class _File(_Table):
    preset: list[_Preset]


def listed(presets: Sequence[Preset]) -> list[str]:
    """A table to read: a line for each preset, and one for each of its limits."""
    lines = []
    for preset in presets:
        oxygen = "" if preset.o2_reference_percent is None else f"  O2 {preset.o2_reference_percent:g} %"
        lines.append(f"{preset.id}  {preset.standard} {preset.zh} / {preset.en}{oxygen}")
        lines += [_line(limit) for limit in preset.limits]
    return lines


def _line(limit: PresetLimit) -> str:
    low, high = ("" if bound is None else f"{bound:g}" for bound in (limit.lower, limit.limit))
    bounds = f"{low}-{high}" if low and high else f">= {low}" if low else f"<= {high}"
    words = [limit.schedule, "converted" if limit.converted else ""]
    if not limit.is_compared:
        words.append(f"unverified ({limit.basis})")
    # The name last: how wide Chinese is depends on the terminal.
    known = about(limit.code)
    said = " ".join(w for w in [*words, known.zh if known else ""] if w)
    return f"  {limit.code:<9} {limit.kind:<5} {bounds:<10} {limit.unit:<7} {said}"


def as_json(preset: Preset) -> dict[str, object]:
    """One preset for programs; the same words as in channels.csv."""
    return {
        "id": preset.id,
        "title": {"zh": preset.zh, "en": preset.en},
        "standard": preset.standard,
        "o2_reference_percent": preset.o2_reference_percent,
        "limits": [
            {
                "code": x.code, "kind": x.kind.value, "limit": x.limit, "lower": x.lower, "unit": x.unit,
                "converted": x.converted, "schedule": x.schedule, "source": x.source, "basis": x.basis.value,
                "unverified": not x.is_compared,
            }
            for x in preset.limits
        ],
    }  # fmt: skip
