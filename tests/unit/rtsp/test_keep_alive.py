import pytest

from ingest.rtsp.keep_alive import KeepAlive, Way, period_s


@pytest.mark.parametrize(
    ("public", "method"),
    [
        (None, "GET_PARAMETER"),
        ("OPTIONS, DESCRIBE, get_parameter", "GET_PARAMETER"),
        ("OPTIONS, DESCRIBE, SET_PARAMETER", "OPTIONS"),
        ("DESCRIBE", "OPTIONS"),
    ],
)
def test_the_first_way_is_one_that_the_camera_offers(public: str | None, method: str) -> None:
    assert KeepAlive(public).way == Way(method)


def ways(public: str | None, status: int) -> list[Way]:
    keep_alive = KeepAlive(public)
    used = [keep_alive.way]
    for _ in range(6):
        keep_alive.refused(status)
        if keep_alive.way != used[-1]:
            used.append(keep_alive.way)
    return used


def test_a_refused_way_leads_to_the_next_and_the_last_one_stays() -> None:
    public = "GET_PARAMETER, OPTIONS, SET_PARAMETER"

    assert ways(public, 454) == [
        Way("GET_PARAMETER"),
        Way("OPTIONS"),
        Way("SET_PARAMETER"),
        Way("GET_PARAMETER", names_session=False),
        Way("OPTIONS", names_session=False),
        Way("SET_PARAMETER", names_session=False),
    ]
    assert ways(public, 405)[:3] == [Way("GET_PARAMETER"), Way("OPTIONS"), Way("SET_PARAMETER")]
    assert ways("DESCRIBE", 405) == [Way("OPTIONS")]


@pytest.mark.parametrize(
    ("timeout_s", "period"), [(None, 30), (60, 30), (10, 5), (3600, 30), (0, 30), (1, 0.5)]
)
def test_it_is_sent_twice_within_the_cameras_timeout(timeout_s: int | None, period: float) -> None:
    assert period_s(timeout_s) == period
