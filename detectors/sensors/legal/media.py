"""What a code's values are, as far as the law's arithmetic asks: gas, water, noise, or nothing that has a legal mean. Pure."""

import re
from enum import StrEnum

from farwatch.domain.pollutants import canonical
from farwatch.domain.registry import Channel


class Medium(StrEnum):
    GAS = "gas"
    WATER = "water"
    NOISE = "noise"
    OTHER = "other"
    """State and process of equipment: kept and shown, no mean of it is a verdict."""


_PATTERNS = (
    (Medium.GAS, re.compile(r"a\d{5}|\d{2}|S\d{2}|B02")),
    (Medium.WATER, re.compile(r"w\d{5}|\d{3}|B01")),
    (Medium.NOISE, re.compile(r"L\w+|B03")),
)
"""By the codes of HJ 212-2017 appendix B and of HJ/T 212-2005, which older loggers still send."""

QUICK_WATER = frozenset({"w00000", "w01001", "w01003", "w01009", "w01010", "w01014"})
"""Water that is measured all the time; everything else in water is analysed each hour or few, and the last result is said
again until the next one comes (HJ 355: at least one analysis in two hours)."""

_ROLES = {"a19001": "o2", "S01": "o2", "a00000": "flow", "B02": "flow", "w00000": "flow", "B01": "flow"}
_STATE_OF_GAS = ("a00", "a01", "a19")
"""Flow, temperature, pressure, humidity, velocity, oxygen: told of the gas, no pollutant in it."""
_EQUIVALENT_LEVELS = frozenset({"Leq", "B03"})
_WITHOUT_MEAN = frozenset({"a01008", "a01010"})
"""Wind direction goes in a circle; blackness is a grade."""


def medium_of(code: str) -> Medium:
    for medium, pattern in _PATTERNS:
        if pattern.fullmatch(code):
            return medium
    return Medium.OTHER


def is_sampled(code: str) -> bool:
    """Water of which an analyser takes a sample now and then."""
    return medium_of(code) is Medium.WATER and canonical(code) not in QUICK_WATER


def role_of(channel: Channel) -> str:
    """What the registry says, else what the code says; empty: a pollutant."""
    return channel.role or _ROLES.get(channel.code, "")


def has_own_mean(code: str) -> bool:
    """Whether a mean of its parts is the mean that the law asks for: of noise only the equivalent level's is."""
    medium = medium_of(code)
    if medium is Medium.NOISE:
        return code in _EQUIVALENT_LEVELS
    return medium is not Medium.OTHER and code not in _WITHOUT_MEAN


def is_converted(channel: Channel) -> bool:
    """Whether the reference oxygen means anything to it: a pollutant in gas."""
    is_pollutant = not role_of(channel) and not canonical(channel.code).startswith(_STATE_OF_GAS)
    return is_pollutant and medium_of(channel.code) is Medium.GAS


def is_flow_weighted(channel: Channel) -> bool:
    """A concentration in water counts by the water that carried it; pH, temperature and the flow itself do not."""
    return (
        medium_of(channel.code) is Medium.WATER
        and channel.unit.lower().endswith("/l")
        and not role_of(channel)
    )
