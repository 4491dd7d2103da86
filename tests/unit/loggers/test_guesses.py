"""Passwords cannot be tried by the thousand, and who is held up is only the one who tries."""

from ingest.loggers.guesses import MOST_REMEMBERED, MOST_WRONG, WITHIN_S, Guesses


def test_so_many_wrong_passwords_hold_up_the_address_and_station_for_a_while() -> None:
    guesses = Guesses()
    for n in range(MOST_WRONG):
        assert not guesses.are_too_many("127.0.0.1", "MN1", n)
        guesses.wrong("127.0.0.1", "MN1", n)
    assert guesses.are_too_many("127.0.0.1", "MN1", MOST_WRONG)
    assert not guesses.are_too_many("127.0.0.2", "MN1", MOST_WRONG)
    assert not guesses.are_too_many("127.0.0.1", "MN2", MOST_WRONG)
    assert not guesses.are_too_many("127.0.0.1", "MN1", WITHIN_S + 0.1)
    guesses.wrong("127.0.0.1", "MN1", WITHIN_S + 0.1)
    assert not guesses.are_too_many("127.0.0.1", "MN1", WITHIN_S + 0.2)


def test_a_logger_with_a_wrong_setting_is_never_held_up() -> None:
    guesses = Guesses()
    for now_s in range(0, 3600, 30):
        assert not guesses.are_too_many("127.0.0.1", "MN1", now_s)
        guesses.wrong("127.0.0.1", "MN1", now_s)


def test_memory_is_bounded_whatever_addresses_come() -> None:
    guesses = Guesses()
    for n in range(MOST_REMEMBERED + 500):
        guesses.wrong(str(n), "MN1", 0)
    assert len(guesses) == MOST_REMEMBERED
