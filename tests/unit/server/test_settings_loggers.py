"""Where data loggers connect, from the operator's words to host and port."""

import pytest

from server.roles.loggers import limits_of
from server.settings import SettingsError, read

BASE = {"FARWATCH_DATABASE_URL": "postgresql://x@h/d"}


@pytest.mark.parametrize(
    ("listen", "address"),
    [
        ("0.0.0.0:9212", ("0.0.0.0", 9212)),
        ("[::]:9212", ("::", 9212)),
        ("loggers.local:1", ("loggers.local", 1)),
        ("", None),
    ],
)
def test_an_address_is_host_and_port(listen: str, address: tuple[str, int] | None) -> None:
    assert read(BASE | {"FARWATCH_HJ212_LISTEN": listen}).hj212_address == address


@pytest.mark.parametrize(
    "listen", ["9212", "0.0.0.0", "0.0.0.0:99999", "tcp://0.0.0.0:9212", ":9212", "a b:1"]
)
def test_what_is_none_is_refused_by_name(listen: str) -> None:
    with pytest.raises(SettingsError, match=r"FARWATCH_HJ212_LISTEN.*must look like"):
        read(BASE | {"FARWATCH_HJ212_LISTEN": listen})


def test_limits_are_settings() -> None:
    wanted = {
        "CONNECTIONS": "5",
        "CONNECTIONS_PER_ADDRESS": "4",
        "IDLE_S": "30",
        "FRAME_S": "3",
        "WRITE_S": "2",
    }
    limits = limits_of(read(BASE | {f"FARWATCH_HJ212_{name}": value for name, value in wanted.items()}))
    assert (limits.connections, limits.connections_per_address) == (5, 4)
    assert (limits.idle_s, limits.frame_within_s, limits.write_within_s) == (30.0, 3.0, 2.0)
