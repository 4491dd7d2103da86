"""The configuration of a city's own video gateway, from the registry."""

import stat
from pathlib import Path

import pytest
import yaml

from farwatch.domain.place import Position
from farwatch.domain.registry import Camera, Transport
from farwatch.storage.database import Pool
from server.gateway import Gateway, configuration, write
from server.registry.secret_file import Credential, Secrets, save_secrets
from server.settings import SettingsError, read
from tests.support.web_house import a_city

ACCOUNTS = {"yard": ("admin", 'a:b@/?#${HOME} "中\\')}
ESCAPED = "rtsp://admin:a%3Ab%40%2F%3F%23%24%7BHOME%7D%20%22%E4%B8%AD%5C@10.1.2.3:554/ch1?x=1"


def camera(id_: str, **more: object) -> Camera:
    said = {"name": id_, "enterprise": None, "place": Position(30, 120), "heading_deg": None}
    return Camera(id=id_, **said | {"url": "rtsp://10.1.2.3:554/ch1?x=1"} | more)  # type: ignore[arg-type]


CAMERAS = [
    camera("c1", credential="yard"),
    camera("c2", transport=Transport.UDP),
    camera("西门"),
    camera("c3", credential="lost"),
    camera("c4", start_url="http://10.1.2.9/start"),
]


@pytest.mark.parametrize("gateway", Gateway)
def test_what_is_written_is_yaml_that_listens_on_this_machine_and_asks_nobody_outside(
    gateway: Gateway,
) -> None:
    text, left_out = configuration(gateway, CAMERAS, ACCOUNTS)
    said = yaml.safe_load(text)
    assert {"c3", "c4"} <= left_out.keys()
    assert "[credentials.lost]" in left_out["c3"]
    if gateway is Gateway.GO2RTC:
        assert said["streams"] == {
            "c1": ESCAPED,
            "c2": "rtsp://10.1.2.3:554/ch1?x=1",
            "西门": "rtsp://10.1.2.3:554/ch1?x=1",
        }
        assert (said["api"]["listen"], said["webrtc"]["ice_servers"]) == ("127.0.0.1:1984", [])
    else:
        assert said["paths"]["c1"] == {
            "source": ESCAPED,
            "sourceOnDemand": True,
            "rtspTransport": "automatic",
        }
        assert said["paths"].keys() == {"c1", "c2"}
        assert said["paths"]["c2"]["rtspTransport"] == "udp"
        assert said["webrtcAddress"].startswith("127.0.0.1:")
        assert said["hlsAddress"].startswith("127.0.0.1:")
        assert said["webrtcICEServers2"] == []
        assert [user["permissions"] for user in said["authInternalUsers"]] == [[{"action": "read"}]]


def test_a_registry_without_cameras_is_still_yaml() -> None:
    for gateway in Gateway:
        assert yaml.safe_load(configuration(gateway, [], {})[0]) is not None


async def test_the_file_is_its_owners_and_the_report_holds_no_secret(pool: Pool, tmp_path: Path) -> None:
    await a_city(pool)
    await pool.execute("UPDATE cameras SET credential = 'yard'")
    save_secrets(tmp_path, Secrets(credentials={"yard": Credential("admin", "hunter2")}))
    out = tmp_path / "go2rtc.yaml"
    report = await write(pool, tmp_path, Gateway.GO2RTC, out)
    assert (report.exit_code, "hunter2" in out.read_text()) == (0, True)
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert "hunter2" not in str(report.lines)
    assert "10.0.0.9" not in str(report.lines)


@pytest.mark.parametrize(
    ("url", "is_right"),
    [
        ("https://video.example/play?id={camera}", True),
        ("/video/{camera}/", True),
        ("https://video.example/", False),
        ("//video.example/{camera}", False),
        ("javascript:alert('{camera}')", False),
        ("https://video.example/{name}/{camera}", False),
    ],
)
def test_a_players_address_is_checked_before_a_page_offers_it(url: str, is_right: bool) -> None:
    given = {"FARWATCH_DATABASE_URL": "postgresql://u:p@db/farwatch", "FARWATCH_CAMERA_PLAYER_URL": url}
    if is_right:
        assert read(given).camera_player_url == url
    else:
        with pytest.raises(SettingsError, match="FARWATCH_CAMERA_PLAYER_URL"):
            read(given)
