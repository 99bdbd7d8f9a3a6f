"""Several processes do tasks at once; who interrupts them waits for none."""

import os
import time

import pytest

from ats_assets.storage.processes import process_started
from ats_assets.storage.second_process import SecondProcessError
from ats_assets.storage.worker_processes import WorkerProcesses


def slowly(task: tuple[float, int]) -> tuple[int, int]:
    seconds, number = task
    time.sleep(seconds)
    if number < 0:
        raise ValueError(f"{number} is below 0")
    return number * number, os.getpid()


def test_every_task_is_done_once_and_a_short_one_does_not_wait_for_a_long_one() -> None:
    tasks = [(3.0, 0), *((0.0, number) for number in range(1, 9))]
    with WorkerProcesses(slowly, 2) as workers:
        done = list(workers.done(tasks))
    assert sorted(number for (_, number), _ in done) == list(range(9))
    assert all(result[0] == number * number for (_, number), result in done)
    assert done[-1][0] == tasks[0]
    ids = {result[1] for _, result in done}
    assert len(ids) == 2
    assert os.getpid() not in ids
    assert not [one for one in ids if process_started(one)]


def test_the_same_processes_do_the_next_tasks() -> None:
    with WorkerProcesses(slowly, 1) as workers:
        first, second = (next(iter(workers.done([(0.0, 1)])))[1][1] for _ in range(2))
    assert first == second


def interrupted() -> None:
    with WorkerProcesses(slowly, 2) as workers:
        for _ in workers.done([(0.0, 1), (600.0, 2)]):
            raise KeyboardInterrupt


def test_what_a_task_raises_is_raised_and_whatever_is_under_way_is_ended() -> None:
    began, ids = time.monotonic(), list[int]()
    with WorkerProcesses(slowly, 2) as workers:
        ids += [result[1] for _, result in workers.done([(0.3, 1), (0.3, 2)])]
        with pytest.raises(SecondProcessError, match="ValueError: -1 is below 0"):
            list(workers.done([(0.0, -1)]))
    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert time.monotonic() - began < 300
    assert not [one for one in ids if process_started(one)]


def test_no_process_is_started_without_a_task() -> None:
    with WorkerProcesses(slowly, 3) as workers:
        assert list(workers.done([])) == []
