"""Units of SenML (RFC 8428 §12.1, RFC 8798) in the units that channels are registered in. Pure."""

from collections.abc import Mapping

_SCALES: Mapping[str, tuple[str, float]] = {
    "kg/m3": ("density", 1.0),
    "g/m3": ("density", 1e-3),
    "mg/m3": ("density", 1e-6),
    "ug/m3": ("density", 1e-9),
    "g/l": ("density", 1.0),
    "mg/l": ("density", 1e-3),
    "ug/l": ("density", 1e-6),
    "m3/s": ("flow", 1.0),
    "m3/h": ("flow", 1 / 3600),
    "l/s": ("flow", 1e-3),
    "l/h": ("flow", 1e-3 / 3600),
    "l": ("volume", 1e-3),
    "m3": ("volume", 1.0),
    "kg": ("mass", 1.0),
    "g": ("mass", 1e-3),
    "t": ("mass", 1e3),
    "pa": ("pressure", 1.0),
    "hpa": ("pressure", 1e2),
    "kpa": ("pressure", 1e3),
    "/": ("ratio", 1.0),
    "%": ("ratio", 1e-2),
    "/100": ("ratio", 1e-2),
    "%rh": ("ratio", 1e-2),
    "ppm": ("ratio", 1e-6),
    "ph": ("ph", 1.0),
    "cel": ("temperature", 1.0),
    "m/s": ("speed", 1.0),
    "km/h": ("speed", 1 / 3.6),
    "db": ("level", 1.0),
    "s/m": ("conductivity", 1.0),
    "us/cm": ("conductivity", 1e-4),
    "a": ("current", 1.0),
    "ma": ("current", 1e-3),
    "v": ("voltage", 1.0),
    "mv": ("voltage", 1e-3),
    "w": ("power", 1.0),
    "kw": ("power", 1e3),
    "m": ("length", 1.0),
    "cm": ("length", 1e-2),
    "mm": ("length", 1e-3),
    "deg": ("angle", 1.0),
    "ntu": ("turbidity", 1.0),
}
"""Unit, in small letters -> what it measures, and how much of the basic unit it is."""
_SAME = {
    "mg/m³": "mg/m3",
    "μg/m³": "ug/m3",
    "µg/m³": "ug/m3",
    "ug/m³": "ug/m3",
    "m³/s": "m3/s",
    "m³/h": "m3/h",
}
_SAME |= {"℃": "cel", "°c": "cel", "c": "cel", "无量纲": "ph", "μg/l": "ug/l", "µg/l": "ug/l", "db(a)": "db"}
_KELVIN = 273.15


class UnitError(ValueError):
    """Nothing turns the one unit into the other."""


def converted(value: float, said: str, wanted: str) -> float:
    """`value` in the channel's unit. A unit that is not said, or not registered, is the channel's. Raises UnitError."""
    if not said or not wanted or said == wanted:
        return value
    if said == "K":
        value, said = value - _KELVIN, "Cel"
    of, to = _scale(said), _scale(wanted)
    if of is None or to is None or of[0] != to[0]:
        raise UnitError(f"{said} is not {wanted}")
    return value if of[1] == to[1] else value * of[1] / to[1]


def _scale(unit: str) -> tuple[str, float] | None:
    small = unit.strip().lower()
    return _SCALES.get(_SAME.get(small, small))
