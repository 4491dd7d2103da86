import pytest

from ingest.rtsp.transports import Agreed, ask_for_tcp, ask_for_udp, parse_transport


@pytest.mark.parametrize(
    ("spec", "agreed"),
    [
        ("RTP/AVP/TCP;unicast;interleaved=8-9;ssrc=2A27A3FB", Agreed(is_tcp=True, channels=(8, 9))),
        ("RTP/AVP/TCP;ssrc=22345684;interleaved=0", Agreed(is_tcp=True, channels=(0, 1))),
        ("rtp/avp/tcp; unicast; Interleaved = 2 - 3", Agreed(is_tcp=True, channels=(2, 3))),
        ("RTP/AVP;unicast;interleaved=0-1", Agreed(is_tcp=True, channels=(0, 1))),
        ("RTP/AVP/TCP;unicast", Agreed(is_tcp=True)),
        ("RTP/AVP/TCP;interleaved=999", Agreed(is_tcp=True)),
        (
            "RTP/AVP;ssrc=22345685;unicast;client_port=54060-54061;server_port=49152-49153",
            Agreed(is_tcp=False, client_ports=(54060, 54061), server_ports=(49152, 49153)),
        ),
        ("RTP/AVP/UDP;unicast;server_port=7000;source=10.0.0.1", Agreed(is_tcp=False, server_ports=(7000, 7001))),
        ("RTP/AVP;unicast;server_port=0-1", Agreed(is_tcp=False)),
        ("RTP/AVP;unicast;server_port=70000-70001", Agreed(is_tcp=False)),
        ("", None),
        ("  ", None),
    ],
)  # fmt: skip
def test_cameras_answers_are_understood(spec: str, agreed: Agreed | None) -> None:
    assert parse_transport(spec) == agreed


def test_what_we_ask_for_is_what_cameras_know() -> None:
    assert ask_for_tcp((0, 1)) == "RTP/AVP/TCP;unicast;interleaved=0-1"
    assert ask_for_udp((4, 5)) == "RTP/AVP;unicast;client_port=4-5"
