"""The registry as the files that `import` reads: UTF-8 with BOM so that Excel opens them, in a stable order, no secrets."""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import datetime

import orjson

from farwatch.domain.policy import Policy
from farwatch.domain.registry import Limit, Registry
from server.registry.cells import ALWAYS_VALID_FROM, CITY_ZONE
from server.registry.rows import HEADERS

Cell = str | float | int | None
_BOM = b"\xef\xbb\xbf"


def registry_files(city: Registry, policy: Policy, policy_text: str | None) -> dict[str, bytes]:
    """File name to content; an import of these changes nothing."""
    tables: dict[str, list[tuple[Cell, ...]]] = {
        "enterprises.csv": [
            (e.id, e.name, e.place.lat, e.place.lon, e.contact_name, e.contact_phone, e.contact_channel)
            for e in city.enterprises.values()
        ],
        "stations.csv": [
            (s.mn, s.enterprise, s.name, s.place.lat, s.place.lon, s.medium, int(s.drill))
            for s in city.stations.values()
        ],
        "channels.csv": [_limit(x) for periods in city.limits.values() for x in periods],
        "cameras.csv": [
            (
                c.id,
                c.name,
                c.enterprise,
                c.place.lat,
                c.place.lon,
                c.heading_deg,
                c.url,
                c.credential,
                int(c.drill),
            )
            for c in city.cameras.values()
        ],
        "teams.csv": [(t.id, t.name, t.lead) for t in city.teams.values()],
        "officers.csv": [
            (o.id, o.name, o.team, o.phone, o.place.lat, o.place.lon, o.shift) for o in city.officers.values()
        ],
    }
    return {
        **{name: _csv(HEADERS[name][1], rows) for name, rows in tables.items()},
        "zones.json": _zones(city),
        "grids.geojson": _grids(city),
        "policy.toml": (policy_text if policy_text is not None else render_policy(policy)).encode(),
    }


def _csv(header: str, rows: Iterable[Sequence[Cell]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(header.split(","))
    writer.writerows(sorted(rows, key=lambda row: tuple("" if cell is None else str(cell) for cell in row)))
    return _BOM + text.getvalue().encode()


def _limit(x: Limit) -> tuple[Cell, ...]:
    return x.mn, x.code, x.unit, x.limit, x.kind.value, int(x.converted), x.warn_share, _begin(x.valid_from)


def _begin(at: datetime) -> str:
    if at == ALWAYS_VALID_FROM:
        return ""
    local = at.astimezone(CITY_ZONE)
    return local.date().isoformat() if local.time().isoformat() == "00:00:00" else local.isoformat()


def _zones(city: Registry) -> bytes:
    zones = sorted((z for zones in city.zones.values() for z in zones), key=lambda z: (z.camera, z.name))
    items = [{"camera": z.camera, "name": z.name, "purpose": z.purpose, "polygon": z.polygon} for z in zones]
    return orjson.dumps(items, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def _grids(city: Registry) -> bytes:
    features = [
        {
            "type": "Feature",
            "properties": {"id": g.id, "name": g.name, "team": g.team},
            "geometry": {"type": "Polygon", "coordinates": g.area.polygons[0]}
            if len(g.area.polygons) == 1
            else {"type": "MultiPolygon", "coordinates": g.area.polygons},
        }
        for g in sorted(city.grids.values(), key=lambda g: g.id)
    ]
    return orjson.dumps({"type": "FeatureCollection", "features": features}, option=orjson.OPT_APPEND_NEWLINE)


def render_policy(policy: Policy) -> str:
    """The policy as policy.toml; every value is written, also those that are as shipped."""
    lines = [
        f"warn_window_s = {policy.warn_window_s!r}",
        f"join_radius_m = {policy.join_radius_m!r}",
        f"join_within_s = {policy.join_within_s!r}",
        f"position_fresh_s = {policy.position_fresh_s!r}",
    ]
    if not policy.actions:
        lines.append("actions = []")
    for (rule, tier), action in policy.actions.items():
        lines += [
            "",
            "[[actions]]",
            f'rule = "{rule}"',
            f'tier = "{tier.value}"',
            f'action = "{action.value}"',
        ]
    limit, task = policy.limit, policy.task
    lines += ["", "[limit]"]
    lines += [
        f"{name} = {getattr(limit, name)!r}"
        for name in ("violation_ratio", "hold_s", "hold_readings", "clear_share", "clear_s")
    ]
    lines += ["", "[silence]", f"after_s = {policy.silence.after_s!r}", "", "[task]"]
    lines += [
        f"{name} = {getattr(task, name)!r}"
        for name in ("accept_s", "arrive_s", "geofence_m", "accuracy_max_m", "quiet_close_s")
    ]
    if not task.escalation:
        lines.append("escalation = []")
    for step in task.escalation:
        lines += ["", "[[task.escalation]]", f"after_s = {step.after_s!r}", f'to = "{step.to}"']
    return "\n".join(lines) + "\n"
