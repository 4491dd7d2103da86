"""No text that leaves us as CSV is run by a spreadsheet, and what is read back is what it was."""

from hypothesis import given
from hypothesis import strategies as st

from server.spreadsheet import lines, plain, safe

DANGEROUS = ("=", "+", "-", "@", "\t", "\r")


@given(st.text(alphabet="'=+-@\t\ra1", max_size=6))
def test_a_text_is_made_safe_and_plain_again(text: str) -> None:
    made = safe(text)
    assert isinstance(made, str)
    assert not made.startswith(DANGEROUS)
    assert plain(made) == text


def test_numbers_and_ordinary_texts_stay_as_they_are() -> None:
    assert lines([[-1.5, 0, None, "东门", "it's", '=HYPERLINK("x")']]) == (
        '-1.5,0,,东门,it\'s,"\'=HYPERLINK(""x"")"\r\n'.encode()
    )
