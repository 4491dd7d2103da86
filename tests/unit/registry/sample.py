"""A small right city as a bureau's files; tests spoil one file at a time."""

from pathlib import Path

GRID = [[114.0, 30.0], [115.0, 30.0], [115.0, 31.0], [114.0, 31.0], [114.0, 30.0]]

FILES: dict[str, str] = {
    "enterprises.csv": "id,name,lat,lon,contact_name,contact_phone,contact_channel\n"
    "e1,第一钢厂,30.5,114.3,王工,10012345678,duty\n"
    "e2,清泉污水厂,30.6,114.4,,,\n",
    "stations.csv": "mn,enterprise,name,lat,lon,medium,drill\n"
    "88888880000001,e1,烧结机头,30.501,114.301,air_source,0\n"
    "88888880000002,e2,总排口,30.601,114.401,water,1\n",
    "channels.csv": "mn,code,unit,limit,limit_kind,converted,warn_share,valid_from\n"
    "88888880000001,a21026,mg/m3,35,hour,1,0.9,2024-01-01\n"
    "88888880000001,a21026,mg/m3,35,rtd,1,,\n"
    "88888880000001,a01011,m/s,,,,,\n"
    "88888880000002,w01018,mg/L,50,day,0,1,2024/7/1\n",
    "cameras.csv": "id,name,enterprise,lat,lon,heading_deg,url,credential,drill\n"
    "c1,堆场,e1,30.502,114.302,90,rtsp://10.1.2.3:554/ch1,yard,0\n"
    "c2,路口,,30.503,114.303,,rtsp://10.1.2.4/ch1,,\n",
    "zones.json": '[{"camera": "c1", "name": "yard", "purpose": "ground",'
    ' "polygon": [[0.1, 0.5], [0.9, 0.5], [0.9, 1], [0.1, 1]]}]',
    "grids.geojson": '{"type": "FeatureCollection", "features": [{"type": "Feature", "properties":'
    ' {"id": "g1", "name": "城关一格", "team": "t1", "fill": "#f00"},'
    f' "geometry": {{"type": "Polygon", "coordinates": [{GRID}]}}}}]}}',
    "teams.csv": "id,name,lead\nt1,一中队,o1\n",
    "officers.csv": "id,name,team,phone,lat,lon,shift\n"
    "o1,李一,t1,10000000001,30.5,114.3,always\n"
    "o2,张二,t1,10000000002,30.5,114.31,8:00-20:00\n",
    "policy.toml": "[task]\naccept_s = 240.0\n[calendar]\nholidays = [2026-10-01]\n",
    "secrets.toml": '[credentials.yard]\nuser = "admin"\npassword = "hunter2"\n'
    '[channels.duty]\nurl = "json://10.1.1.1/notice"\n[mqtt.88888880000001]\npassword = "m-secret"\n',
}


def write_city(folder: Path, **changed: str | bytes | None) -> Path:
    """Writes the city; `changed` replaces files by their name without ending, None leaves one out."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in FILES.items():
        content = changed.get(name.partition(".")[0], text)
        path = folder / name
        path.unlink(missing_ok=True)
        if content is not None:
            path.touch(mode=0o600)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def edited(file: str, old: str, new: str) -> str:
    """The sample's file with one piece replaced."""
    assert FILES[file].count(old) == 1, f"{old!r} is not once in {file}"
    return FILES[file].replace(old, new)
