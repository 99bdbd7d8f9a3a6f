"""What a run of Dagster in this process leaves behind."""

import signal
from collections.abc import Iterator

import dagster as dg
import pytest

from ats_assets.runs.runner import sigterm_as_before


@dg.op
def _nothing() -> None:
    pass


@dg.job
def _job() -> None:
    _nothing()


@pytest.fixture(autouse=True)
def _handlers() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def _after_a_run(*, as_before: bool) -> object:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if as_before:
        with sigterm_as_before():
            assert _job.execute_in_process().success
    else:
        assert _job.execute_in_process().success
    return signal.getsignal(signal.SIGTERM)


def test_a_command_in_the_background_of_a_script_can_be_ended_after_its_first_run() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    assert _after_a_run(as_before=False) == signal.SIG_IGN, "what Dagster does, and why anything is done"
    assert _after_a_run(as_before=True) == signal.SIG_DFL


def test_elsewhere_sigterm_interrupts_what_comes_between_runs_as_ctrl_c_does() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    assert _after_a_run(as_before=True) == signal.default_int_handler
