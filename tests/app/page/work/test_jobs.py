"""The pieces of work of visitors: stopping by number, ends of sessions, how long they take."""

import threading
import time

import pytest

from remend.app.page.work.jobs import Jobs
from remend.models.progress import Cancelled


def test_a_stop_reaches_what_runs_and_what_is_still_to_come_of_its_owner_alone():
    jobs = Jobs()
    with (
        pytest.raises(Cancelled),
        jobs.run("fill", "ada", 5) as mine,
        jobs.run("fill", "bob", 5) as other,
    ):
        mine.update(1, 2)
        assert jobs.stop("ada", 5)
        other.update(1, 2)
        mine.update(2, 2)
    for number in (3, 5):
        with pytest.raises(Cancelled), jobs.run("fill", "ada", number):
            pass
    with jobs.run("fill", "ada", 6) as later:
        later.update(1, 2)
    assert jobs.running == ()


def test_the_end_of_one_run_takes_nothing_from_the_next():
    jobs = Jobs()
    with jobs.run("upscale", "ada", 2) as second:
        with pytest.raises(Cancelled), jobs.run("upscale", "ada", 1) as first:
            jobs.stop("ada", 1)
            first.update(0, 1)
        second.update(0, 1)
        jobs.stop("ada", 2)
        with pytest.raises(Cancelled):
            second.update(0, 1)


def test_what_is_committed_cannot_be_stopped_and_what_is_stopped_cannot_be_committed():
    jobs = Jobs()
    with jobs.run("fill", "ada", 1) as job:
        job.commit()
        assert not jobs.stop("ada", 1)
    with jobs.run("fill", "ada", 2) as job:
        assert jobs.stop("ada", 2)
        with pytest.raises(Cancelled):
            job.commit()


def test_work_ends_with_its_session_and_when_nobody_waits_for_it():
    jobs = Jobs()
    waits = threading.Event()
    waits.set()
    with (
        jobs.run("fill", session="one") as first,
        jobs.run("fill", session="two", is_awaited=waits.is_set) as second,
    ):
        jobs.end_session("one")
        with pytest.raises(Cancelled):
            first.wait()
        second.update(0, 1)
        waits.clear()
        with pytest.raises(Cancelled):
            second.update(0, 1)


def test_closing_gives_everything_up_and_waits_for_the_end():
    jobs = Jobs()
    begun = threading.Event()

    def work() -> None:
        with pytest.raises(Cancelled), jobs.run("fill") as job:
            begun.set()
            while True:
                time.sleep(0.01)
                job.update(0, 1)

    thread = threading.Thread(target=work)
    thread.start()
    assert begun.wait(5)
    assert jobs.close(5)
    thread.join()
    with pytest.raises(Cancelled), jobs.run("fill"):
        pass


def test_what_is_left_is_computed_from_the_share_that_is_done_or_from_earlier_work():
    jobs = Jobs()
    with jobs.run("fill") as job:
        assert job.seconds_left is None
        time.sleep(0.1)
        job.update(1, 4)
        assert job.seconds_left == pytest.approx(0.3, rel=0.3)
        for _ in range(3):  # of which nothing counts
            time.sleep(0.1)
            job.wait()
        assert job.seconds == pytest.approx(0.1, abs=0.04)
        time.sleep(1.1)
    with jobs.run("fill") as job:
        assert job.seconds_left == pytest.approx(1.2, abs=0.2)


def test_the_owners_that_are_remembered_are_bounded():
    jobs = Jobs()
    with jobs.run("fill", "ada", 1) as job:
        for number in range(3000):
            jobs.stop(f"visitor {number}", 1)
        assert jobs.stop("ada", 1)
        assert job.is_given_up
    assert len(jobs._owners) < 2000
