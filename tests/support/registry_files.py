"""A registry folder as a bureau would hand it over, for tests that begin with files."""

import json
from dataclasses import dataclass
from pathlib import Path

EVERYWHERE = [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]
GRID = {
    "type": "FeatureCollection",
    "features": [
        {
            "type": "Feature",
            "properties": {"id": "G1", "name": "东区", "team": "T1"},
            "geometry": {
                "type": "Polygon",
                "coordinates": [[[119.9, 29.9], [120.1, 29.9], [120.1, 30.1], [119.9, 30.1], [119.9, 29.9]]],
            },
        }
    ],
}


@dataclass(frozen=True)
class TestCamera:
    id: str
    url: str
    purposes: tuple[str, ...]
    credential: str = ""

    __test__ = False


def write(folder: Path, cameras: list[TestCamera]) -> None:
    """One station MN1 with a real-time limit of 50, an enterprise of its own for each camera, 400 m apart."""
    folder.mkdir(parents=True, exist_ok=True)
    enterprises = [
        "id,name,lat,lon,contact_name,contact_phone,contact_channel",
        "E0,化工厂,30.0,120.0,张三,13800000000,",
    ]
    rows = ["id,name,enterprise,lat,lon,heading_deg,url,credential,drill"]
    zones = []
    for n, camera in enumerate(cameras, start=1):
        lat = 30.0 + 0.004 * n
        enterprises.append(f"E{n},企业{n},{lat},120.0,,,")
        rows.append(f"{camera.id},{camera.id},E{n},{lat},120.0,90,{camera.url},{camera.credential},0")
        zones += [
            {"camera": camera.id, "name": p, "purpose": p, "polygon": EVERYWHERE} for p in camera.purposes
        ]
    texts = {
        "enterprises.csv": "\n".join(enterprises),
        "stations.csv": "mn,enterprise,name,lat,lon,medium,drill\nMN1,E0,一号排口,30.0,120.0,air,0",
        "channels.csv": "mn,code,unit,limit,limit_kind,converted,warn_share,valid_from\nMN1,a21026,mg/m3,50,rtd,0,1.0,2026-01-01",
        "cameras.csv": "\n".join(rows),
        "zones.json": json.dumps(zones),
        "grids.geojson": json.dumps(GRID),
        "teams.csv": "id,name,lead\nT1,一队,O2",
        "officers.csv": "id,name,team,phone,lat,lon,shift\nO1,王一,T1,1,30.001,120.0,always\nO2,李二,T1,2,30.02,120.0,always",
        "secrets.toml": '[credentials.cam]\nuser = "viewer"\npassword = "look-at-me"\n',
    }
    for name, text in texts.items():
        (folder / name).write_text(text + "\n", "utf-8")
    (folder / "secrets.toml").chmod(0o600)
