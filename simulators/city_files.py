"""A city written as the registry's files, with the columns that `farwatch registry import` reads."""

import csv
import io
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from farwatch.domain.registry import Officer
from simulators.city import CAMERA_CREDENTIAL, City

Cell = str | float | int | None

POLICY = """\
# What a finding leads to and which clocks a task has. What is not said here is as shipped.
# The simulated monitors send every few seconds, so their silence shows soon.
[silence]
after_s = 60.0
"""


def registry_files(city: City, *, camera_user: str, camera_password: str) -> dict[str, bytes]:
    """File name to content. The same city and credential give the same bytes."""
    files = {name: _csv(header, rows) for name, header, rows in _tables(city)}
    files["zones.json"] = _json(
        [{"camera": z.camera, "name": z.name, "purpose": z.purpose, "polygon": z.polygon} for z in city.zones]
    )
    features = [
        {
            "type": "Feature",
            "properties": {"id": g.id, "name": g.name, "team": g.team},
            "geometry": {"type": "Polygon", "coordinates": g.area.polygons[0]},
        }
        for g in city.grids
    ]
    files["grids.geojson"] = b'{"type": "FeatureCollection", "features": ' + _json(features).rstrip() + b"}\n"
    files["policy.toml"] = POLICY.encode()
    secret = f'[credentials."{CAMERA_CREDENTIAL}"]\nuser = "{camera_user}"\npassword = "{camera_password}"\n'
    files["secrets.toml"] = secret.encode()
    return files


def write_registry(files: dict[str, bytes], folder: Path) -> None:
    """Writes all files; the secrets are readable by their owner only."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name, content in files.items():
        path = folder / name
        path.touch(mode=0o600 if name == "secrets.toml" else 0o644)
        path.write_bytes(content)


_Table = tuple[str, str, list[Sequence[Cell]]]


def _tables(city: City) -> Iterable[_Table]:
    yield from _monitor_tables(city)
    yield from _camera_and_people_tables(city)


def _monitor_tables(city: City) -> Iterable[_Table]:
    yield (
        "enterprises.csv",
        "id,name,lat,lon,contact_name,contact_phone,contact_channel",
        [
            (e.id, e.name, e.place.lat, e.place.lon, e.contact_name, e.contact_phone, e.contact_channel)
            for e in city.enterprises
        ],
    )
    yield (
        "stations.csv",
        "mn,enterprise,name,lat,lon,medium,drill",
        [
            (s.mn, s.enterprise, s.name, s.place.lat, s.place.lon, s.medium, int(s.drill))
            for s in city.stations
        ],
    )
    yield (
        "channels.csv",
        "mn,code,unit,limit,limit_kind,converted,warn_share,valid_from",
        [
            (
                x.mn,
                x.code,
                x.unit,
                x.limit,
                x.kind.value,
                int(x.converted),
                x.warn_share,
                x.valid_from.isoformat(),
            )
            for x in city.limits
        ],
    )


def _camera_and_people_tables(city: City) -> Iterable[_Table]:
    yield (
        "cameras.csv",
        "id,name,enterprise,lat,lon,heading_deg,url,credential,drill",
        [
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
            for c in city.cameras
        ],
    )
    yield "teams.csv", "id,name,lead", [(t.id, t.name, t.lead) for t in city.teams]
    yield (
        "officers.csv",
        "id,name,team,phone,lat,lon,shift,skills,contact_channel,badge",
        [
            (*(o.id, o.name, o.team, o.phone, o.place.lat, o.place.lon, o.shift), *_kept(o))
            for o in city.officers
        ],
    )


def _kept(o: Officer) -> Sequence[Cell]:
    return " ".join(sorted(o.skills)), o.contact_channel, o.badge


def _csv(header: str, rows: Iterable[Sequence[Cell]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header.split(","))
    writer.writerows(["" if cell is None else cell for cell in row] for row in rows)
    return text.getvalue().encode()


def _json(rows: Sequence[object]) -> bytes:
    """A list with one row a line, so that a difference shows the row that changed."""
    return b"[\n" + b",\n".join(json.dumps(row, ensure_ascii=False).encode() for row in rows) + b"\n]\n"
