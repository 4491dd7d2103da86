"""What a worker's watcher reads, when it is replaced, and whom it could not get on with."""

import threading

import pytest

from farwatch.runtime.vitals import SLOTS, Job, Signs, Vitals, make_page
from farwatch.runtime.watchdog import FORGET_AFTER_S, Allowance, Bounds, Rests, Trouble, judge, suspects

BOUNDS = Bounds(start_s=60, silent_s=6, base_bytes=100, each_bytes=10)
AT_WORK = Signs(beat_s=99.0, subjects=2, jobs=(Job("a", due_s=104.0),))


@pytest.mark.parametrize(
    ("signs", "resident_bytes", "age_s", "now_s", "trouble"),
    [
        (AT_WORK, 120, 500, 100, None),
        (AT_WORK, 121, 500, 100, Trouble.TOO_BIG),
        (AT_WORK, 0, 500, 104.1, Trouble.STUCK),
        (AT_WORK, 0, 500, 105.1, Trouble.SILENT),
        (Signs(None, 0, ()), 999, 60, 100, None),
        (Signs(None, 0, ()), 0, 60.1, 100, Trouble.NEVER_BEGAN),
    ],
)
def test_a_worker_is_replaced_when_it_is_silent_stuck_too_big_or_never_began(
    signs: Signs, resident_bytes: int, age_s: float, now_s: float, trouble: Trouble | None
) -> None:
    assert judge(signs, resident_bytes=resident_bytes, age_s=age_s, now_s=now_s, bounds=BOUNDS) == trouble


def test_who_waits_for_a_core_is_not_late() -> None:
    waited = {7: 100.0, 8: 0.0}
    allowance = Allowance(7, lambda thread: waited[thread])
    signs = Signs(beat_s=10.0, subjects=1, jobs=(Job("a", 18.0, 8),))
    assert allowance.made(signs) == signs
    waited.update({7: 104.0, 8: 1.5})
    assert allowance.made(signs) == Signs(14.0, 1, (Job("a", 19.5, 8),))
    later = Signs(beat_s=14.5, subjects=1, jobs=())
    assert allowance.made(later) == later
    assert allowance.made(Signs(None, 0, ())) == Signs(None, 0, ())


LATE_AND_NOT = (Job("late", 5.0), Job("in time", 20.0))


@pytest.mark.parametrize(
    ("trouble", "signs", "suspected"),
    [
        (Trouble.STUCK, Signs(1.0, 9, LATE_AND_NOT, served="served"), {"late"}),
        (Trouble.CRASHED, Signs(1.0, 9, LATE_AND_NOT[1:], served="served"), {"in time"}),
        (Trouble.CRASHED, Signs(1.0, 9, LATE_AND_NOT, blamed="blamed"), {"blamed"}),
        (Trouble.SILENT, Signs(1.0, 9, LATE_AND_NOT, served="served"), {"served"}),
        (Trouble.SILENT, Signs(1.0, 9, LATE_AND_NOT), {"late"}),
        (Trouble.NEVER_BEGAN, Signs(None, 0, LATE_AND_NOT, served="served"), set()),
    ],
)
def test_whom_the_signs_name_is_suspected_else_everybody_who_was_at_work(
    trouble: Trouble, signs: Signs, suspected: set[str]
) -> None:
    assert suspects(trouble, signs, now_s=10) == suspected


def test_in_whose_looks_a_process_grew_by_more_than_a_camera_may_take_is_suspected() -> None:
    def suspected(jobs: tuple[Job, ...], grown: tuple[str, int]) -> frozenset[str]:
        signs = Signs(1.0, 9, jobs, served="served", grown=grown)
        return suspects(Trouble.TOO_BIG, signs, now_s=10, resident_bytes=900, each_bytes=64)

    at_work = (Job("slow", 20.0, began_bytes=300), Job("small", 20.0, began_bytes=880))
    assert suspected(at_work, ("leak", 700)) == {"leak"}
    assert suspected(at_work, ("leak", 500)) == {"slow"}
    assert suspected(at_work[1:], ("usual", 64)) == frozenset()


def test_who_breaks_a_worker_again_rests_for_twice_as_long_each_time_and_is_forgiven_in_the_end() -> None:
    rests, now_s, slept = Rests(), 0.0, []
    for _ in range(9):
        rests.suspect(["a"], now_s)
        slept.append(rests.remaining(now_s).get("a", 0.0))
        now_s += slept[-1] + 1
    assert slept == [0, 60, 120, 240, 480, 960, 1920, 3600, 3600]
    assert rests.remaining(now_s + FORGET_AFTER_S) == {}
    rests.suspect(["a"], now_s + FORGET_AFTER_S)
    assert rests.remaining(now_s + FORGET_AFTER_S) == {}


def test_another_mapping_of_the_page_reads_what_was_written() -> None:
    with make_page() as page:
        worker, watcher = Vitals(page.fileno()), Vitals(page.fileno())
    assert watcher.read() == Signs(None, 0, ())
    worker.beat(12.5, 40)
    with worker.job("烟囱", 20.0), worker.job("b" * 5000, 21.0):
        told = watcher.read()
        assert (told.beat_s, told.subjects) == (12.5, 40)
        assert {job.subject[:2]: job.due_s for job in told.jobs} == {"烟囱": 20.0, "bb": 21.0}
        assert {job.began_bytes > 1 << 20 for job in told.jobs} == {True}
    assert watcher.read().jobs == ()


def test_the_page_tells_whom_the_loop_serves_and_whose_error_was_the_first() -> None:
    with make_page() as page:
        worker, watcher = Vitals(page.fileno()), Vitals(page.fileno())
    serving, other = worker.serving("烟囱"), worker.serving("b")
    for served in (serving, other, serving):
        with served:
            pass
    assert watcher.read().served == ""
    with serving:
        assert watcher.read().served == "烟囱"
    worker.blame("first")
    worker.blame("second")
    assert watcher.read().blamed == "first"


def test_the_page_tells_during_whose_work_the_process_grew_most() -> None:
    vitals, kept = Vitals(None), []
    for subject, megabytes in (("small", 1), ("leak", 60), ("small", 1), ("leak", 60)):
        with vitals.job(subject, 1.0):
            kept.append(b"x" * (megabytes << 20))
    subject, grown_bytes = vitals.read().grown
    assert subject == "leak"
    assert 50 << 20 < grown_bytes < 200 << 20  # what earlier tests left may be let go meanwhile


def test_more_jobs_at_once_than_the_page_holds_still_run() -> None:
    vitals, started, finish = Vitals(None), threading.Barrier(SLOTS + 3), threading.Event()

    def work(name: str) -> None:
        with vitals.job(name, 1.0):
            started.wait(5)
            finish.wait(5)

    threads = [threading.Thread(target=work, args=(str(n),)) for n in range(SLOTS + 2)]
    for thread in threads:
        thread.start()
    started.wait(5)
    assert len(vitals.read().jobs) == SLOTS
    finish.set()
    for thread in threads:
        thread.join(5)
    assert vitals.read().jobs == ()
