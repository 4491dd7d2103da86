"""The registry as the files that `import` reads: UTF-8 with BOM so that Excel opens them, in a stable order, no secrets."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime

import orjson

from farwatch.domain.policy import Policy
from farwatch.domain.registry import Camera, Channel, Limit, Officer, Registry, Station
from server.registry.cells import ALWAYS_VALID_FROM, CITY_ZONE
from server.registry.policy_text import render_policy
from server.registry.rows import HEADERS
from server.spreadsheet import BOM, Cell, lines

Row = tuple[Cell, ...]


def registry_files(city: Registry, policy: Policy, policy_text: str | None) -> dict[str, bytes]:
    """File name to content; an import of these changes nothing."""
    tables: dict[str, list[tuple[Cell, ...]]] = {
        "enterprises.csv": [
            (e.id, e.name, e.place.lat, e.place.lon, e.contact_name, e.contact_phone, e.contact_channel)
            for e in city.enterprises.values()
        ],
        "stations.csv": [_station(s) for s in city.stations.values()],
        "channels.csv": [
            row
            for key, c in city.channels.items()
            if c.registered
            for row in _channel(c, city.limits.get(key, ()))
        ],
        "cameras.csv": [_camera(c) for c in city.cameras.values()],
        "teams.csv": [(t.id, t.name, t.lead) for t in city.teams.values()],
        "officers.csv": [_officer(o) for o in city.officers.values()],
    }
    return {
        **{name: _csv(HEADERS[name][1], rows) for name, rows in tables.items()},
        "zones.json": _zones(city),
        "grids.geojson": _grids(city),
        "policy.toml": (policy_text if policy_text is not None else render_policy(policy)).encode(),
    }


def _csv(header: str, rows: Iterable[Sequence[Cell]]) -> bytes:
    ordered = sorted(rows, key=lambda row: tuple("" if cell is None else str(cell) for cell in row))
    return BOM + lines([header.split(","), *ordered])


def _officer(o: Officer) -> Row:
    said = (o.id, o.name, o.team, o.phone, o.place.lat, o.place.lon, o.shift)
    return (*said, " ".join(sorted(o.skills)), o.contact_channel, o.badge)


def _station(s: Station) -> Row:
    said = (s.mn, s.enterprise, s.name, s.place.lat, s.place.lon, s.medium, int(s.drill))
    kept = (s.crc.value, s.credential, s.source, s.minute_interval_min, s.o2_reference_percent)
    return (*said, *kept, s.certificate, _day(s.certificate_until), _day(s.calibrated_on))


def _camera(c: Camera) -> Row:
    said = (c.id, c.name, c.enterprise, c.place.lat, c.place.lon, c.heading_deg, c.url, c.credential)
    kept = (int(c.drill), c.transport.value, c.reader.value, c.watch.value, int(c.ptz))
    platform = (c.start_url, c.stop_url, c.start_key, c.start_credential)
    return (*said, *kept, *platform, c.certificate, _day(c.certificate_until), _day(c.calibrated_on))


def _day(on: date | None) -> Cell:
    return on.isoformat() if on else None


def _channel(c: Channel, limits: Sequence[Limit]) -> list[Row]:
    """A row for each limit and period; one without a limit where there is none."""
    named, span = (c.mn, c.code, c.unit), (c.range_low, c.range_high, c.role)
    return [(*named, *_bounds(x), *span, *_rest(x)) for x in limits] or [
        (*named, *[None] * 5, *span, *[None] * 5)
    ]


def _bounds(x: Limit) -> Row:
    return x.limit, x.kind.value, int(x.converted), x.warn_share, _begin(x.valid_from)


def _rest(x: Limit) -> Row:
    """The last column, preset, is empty: its numbers are written out."""
    return x.lower, x.schedule, x.source, int(x.unverified), None


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
            "properties": {
                "id": g.id,
                "name": g.name,
                "team": g.team,
                **({"street": g.street} if g.street else {}),
            },
            "geometry": {"type": "Polygon", "coordinates": g.area.polygons[0]}
            if len(g.area.polygons) == 1
            else {"type": "MultiPolygon", "coordinates": g.area.polygons},
        }
        for g in sorted(city.grids.values(), key=lambda g: g.id)
    ]
    return orjson.dumps({"type": "FeatureCollection", "features": features}, option=orjson.OPT_APPEND_NEWLINE)
