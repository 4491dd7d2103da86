"""How a command to a logger goes on, moment by moment."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farwatch.domain.device import OPEN, Command, CommandState, DeviceCommand, DeviceReply, Way
from ingest.loggers.exchange import Moment, Progress, advance

T0 = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
QN = "20260302120000000"


def asked(command: Command = Command.GET_CLOCK) -> DeviceCommand:
    return DeviceCommand(id=1, mn="MN1", command=command, parameters={}, asked_by="amy", asked_at=T0)


def sent(command: Command = Command.GET_CLOCK) -> DeviceCommand:
    return advance(asked(command), at(0)).command


def at(
    seconds: float,
    *replies: tuple[str, Mapping[str, str]],
    line: Way | None = Way.TCP,
    packets: int = 0,
    last_s: float = 0,
) -> Moment:
    now = T0 + timedelta(seconds=seconds)
    return Moment(
        now=now,
        up_since=T0 - timedelta(hours=1),
        line=line,
        replies=[DeviceReply("MN1", cn, QN, content, now) for cn, content in replies],
        progress=Progress(packets, T0 + timedelta(seconds=last_s) if packets else None),
    )


def test_a_queued_command_is_sent_under_the_time_as_its_name() -> None:
    step = advance(asked(), at(0))
    assert step.send
    assert (step.command.state, step.command.qn, step.command.tries, step.command.sent_at) == (
        CommandState.SENT,
        QN,
        1,
        T0,
    )


def test_silence_is_asked_again_under_the_same_name_three_times_in_all() -> None:
    command, sent_at_s = asked(), []
    for second in range(60):
        step = advance(command, at(second))
        command = step.command
        if step.send:
            sent_at_s.append(second)
            assert command.qn == QN
    assert sent_at_s == [0, 10, 20]
    assert (command.state, command.reason, command.ended_at) == (
        CommandState.TIMED_OUT,
        "no_reply",
        T0 + timedelta(seconds=30),
    )


@pytest.mark.parametrize(("tries", "why"), [(0, "not_connected"), (1, "connection_lost")])
def test_without_a_line_it_waits_a_minute_and_ends_by_name(tries: int, why: str) -> None:
    command = sent() if tries else asked()
    assert advance(command, at(59.9, line=None)).command == command
    ended = advance(command, at(60, line=None)).command
    assert (ended.state, ended.reason) == (CommandState.UNREACHABLE, why)


def test_after_a_start_of_ours_stations_get_their_minute_to_connect() -> None:
    late = replace(at(3600, line=None), up_since=T0 + timedelta(seconds=3590))
    assert advance(asked(), late).command == asked()
    assert advance(sent(), replace(late, line=Way.TCP)).send


@pytest.mark.parametrize(
    ("reply", "state", "reason"),
    [
        (("9011", {"QnRtn": "1"}), CommandState.CONFIRMED, "confirmed"),
        (("9011", {"QnRtn": "3"}), CommandState.REFUSED, "wrong_password"),
        (("9011", {"QnRtn": "77"}), CommandState.REFUSED, "unknown_fault"),
        (("9012", {"ExeRtn": "1"}), CommandState.DONE, "executed"),
        (("9012", {"ExeRtn": "100"}), CommandState.REFUSED, "no_data"),
        (("9013", {}), CommandState.CONFIRMED, "confirmed"),
        (("1011", {"SystemTime": "20260302120000"}), CommandState.CONFIRMED, "confirmed"),
        (("3020", {}), CommandState.SENT, "sent"),
    ],
)
def test_what_each_reply_means(
    reply: tuple[str, Mapping[str, str]], state: CommandState, reason: str
) -> None:
    heard = advance(sent(), at(1, reply)).command
    assert (heard.state, heard.reason, heard.ended_at is None) == (state, reason, state in OPEN)


def test_a_question_ends_with_its_answer_and_its_result() -> None:
    replies = (
        ("9011", {"QnRtn": "1"}),
        ("1011", {"SystemTime": "20260302120000"}),
        ("9012", {"ExeRtn": "1"}),
    )
    done = advance(sent(), at(1, *replies)).command
    assert (done.state, done.answer) == (CommandState.DONE, {"SystemTime": "20260302120000"})


def test_a_confirmed_command_is_never_sent_again_and_its_result_is_waited_for() -> None:
    confirmed = advance(sent(), at(1, ("9011", {"QnRtn": "1"}))).command
    for second in range(1, 31):
        step = advance(confirmed, at(second))
        assert not step.send
        assert step.command == confirmed
    ended = advance(confirmed, at(31)).command
    assert (ended.state, ended.reason) == (CommandState.TIMED_OUT, "no_result")


def test_an_answer_whose_result_never_comes_is_an_answer() -> None:
    heard = advance(sent(), at(1, ("1011", {"SystemTime": "20260302120000"}))).command
    ended = advance(heard, at(31, ("1011", {"SystemTime": "20260302120000"}))).command
    assert (ended.state, ended.reason) == (CommandState.ANSWERED, "answered_without_result")


def test_history_is_waited_for_as_long_as_it_comes() -> None:
    command = sent(Command.FETCH_HOURS)
    for second in range(5, 300, 50):
        command = advance(command, at(second, packets=second, last_s=second)).command
        assert command.state is CommandState.CONFIRMED
    assert advance(command, at(320, packets=300, last_s=261)).command.answer == {"packets": "300"}
    ended = advance(command, at(321, packets=300, last_s=261)).command
    assert ended.state is CommandState.ANSWERED
    for_ever = advance(command, at(1806, packets=9999, last_s=1805)).command
    assert for_ever.state is CommandState.ANSWERED


def test_a_started_stream_is_done_when_it_flows_and_a_stopped_one_when_it_was_noticed() -> None:
    assert advance(sent(Command.START_REALTIME), at(2, packets=1, last_s=2)).command.reason == "data_comes"
    stopped = advance(sent(Command.STOP_REALTIME), at(2, ("9013", {}))).command
    assert (stopped.state, stopped.reason) == (CommandState.DONE, "noticed")


replies = st.tuples(
    st.sampled_from(["9011", "9012", "9013", "1011", "2061", "3020"]),
    st.dictionaries(
        st.sampled_from(["QnRtn", "ExeRtn", "QN", "SystemTime"]), st.sampled_from(["1", "2", "", "x"])
    ),
)


@given(
    st.sampled_from(list(Command)),
    st.lists(st.tuples(st.floats(0.1, 40), st.lists(replies, max_size=3), st.booleans()), max_size=60),
)
def test_whatever_happens_it_ends_within_bounds_and_is_sent_three_times_at_most(
    command: Command, story: list[tuple[float, list[tuple[str, dict[str, str]]], bool]]
) -> None:
    state, second, sends = asked(command), 0.0, 0
    for pause_s, said, has_line in story:
        second += pause_s
        step = advance(state, at(second, *said, line=Way.TCP if has_line else None))
        state, sends = step.command, sends + step.send
        assert (state.ended_at is None) == (state.state in OPEN)
        if state.state not in OPEN:
            assert not step.send
            break
    assert sends <= 3
    for _ in range(4):
        second += 3600
        state = advance(state, at(second, line=None)).command
    assert state.state not in OPEN
