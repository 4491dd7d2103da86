"""What the codes of HJ 212 mean to these rules, in the words of 2017; codes of 2005 are brought to them first. Pure."""

from functools import lru_cache

from detectors.sensors.legal.media import QUICK_WATER
from farwatch.domain.pollutants import about, canonical
from farwatch.domain.registry import Channel

POLLUTANT_PREFIXES = ("a05", "a21", "a24", "a25", "a34", "w2", "w3")
POLLUTANT_CODES = frozenset({"w01012", "w01017", "w01018", "w01019", "w01020"})
PARTICULATES = frozenset({"a34013"})
PH, NMHC, TN, NH3_N, COD, BOD = "w01001", "a24088", "w21001", "w21003", "w01018", "w01017"
NMHC_PARTS = frozenset({"a25002", "a25003", "a25005"})

PHYSICAL: dict[str, tuple[float, float]] = {
    "w01001": (0, 14),
    "a19001": (0, 25),
    "a01014": (0, 100),
    "a01012": (-60, 1900),
    "a01011": (0, 80),
}
"""What no instrument can measure lies outside: pH, oxygen and humidity in per cent, degrees Celsius, m/s."""


@lru_cache(maxsize=4096)
def kind_of(code: str) -> str:
    """The code as HJ 212-2017 has it."""
    return canonical(code)


def is_pollutant(code: str) -> bool:
    known = kind_of(code)
    return "_" not in known and (known.startswith(POLLUTANT_PREFIXES) or known in POLLUTANT_CODES)


def is_slow(code: str) -> bool:
    known = kind_of(code)
    return known.startswith("w") and known not in QUICK_WATER


@lru_cache(maxsize=4096)
def _usual_role(code: str) -> str:
    known = about(code)
    return known.role if known else ""


def role_of(channel: Channel) -> str:
    """As registered, else as its code says."""
    return channel.role or _usual_role(channel.code)
