import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.rtsp.address import parse_address
from ingest.rtsp.auth import Credential
from ingest.rtsp.errors import Problem, RtspError


@pytest.mark.parametrize(
    ("url", "wire", "shown"),
    [
        ("rtsp://cam/a", "rtsp://cam/a", "cam"),
        ("RTSP://u:p@Cam:8554/a b?x=ü", "rtsp://cam:8554/a%20b?x=%C3%BC", "cam:8554"),
        ("rtsp://[::1]:554/a", "rtsp://[::1]/a", "[::1]"),
        ("rtsp://cam/user=admin&password=x", "rtsp://cam/user=admin&password=x", "cam"),
        ("rtsp://cam", "rtsp://cam", "cam"),
        ("rtsp://cam/a%20b#c", "rtsp://cam/a%20b", "cam"),
    ],
)
def test_addresses_are_taken_apart(url: str, wire: str, shown: str) -> None:
    address, _ = parse_address(url)

    assert (address.url, address.place) == (wire, shown)


def test_an_account_in_the_address_is_found_and_never_shown() -> None:
    address, account = parse_address("rtsp://us%40er:p%3Aw@cam/secret")

    assert account == Credential("us@er", "p:w")
    assert not {"secret", "p:w"} & set(repr((address, account)).replace("'", " ").split())


@pytest.mark.parametrize(
    "url", ["http://cam/", "cam", "rtsp:///a", "rtsp://cam:99999/", "rtsp://[bad/", "", "rtsp://a b/"]
)
def test_what_is_no_address_is_a_named_error_that_does_not_repeat_it(url: str) -> None:
    with pytest.raises(RtspError) as caught:
        parse_address(url)
    assert caught.value.reason is Problem.PROTOCOL
    assert not url or url not in str(caught.value)


@given(st.text(st.characters(exclude_categories=("Cs",)), max_size=40))
def test_no_text_makes_it_fall_over_or_breaks_a_line(text: str) -> None:
    for url in (text, f"rtsp://{text}", f"rtsp://cam/{text}"):
        try:
            address, _ = parse_address(url)
        except RtspError as error:
            assert error.reason is Problem.PROTOCOL  # noqa: PT017
        else:
            assert not set(address.url) & set(" \r\n\t")
