"""Children of a supervisor: told by name, started again the later the sooner they have died, ended in reverse order."""

import re

from ats_assets.execution.watching import WakeSignal
from ats_assets.runs.supervisor import ChildCommand, Supervisor


def test_what_ends_by_itself_is_through_and_what_it_writes_is_told_with_its_name() -> None:
    said: list[str] = []
    commands = [ChildCommand(name=name, arguments=("--version",), once=True) for name in ("first", "second")]
    Supervisor(commands, said.append).run(WakeSignal())
    for name in ("first", "second"):
        assert any(re.match(rf"{name}: started, process \d+: ats --version", line) for line in said)
        assert any(line.startswith(f"{name} | ats ") for line in said)
        assert f"{name}: ended with status 0" in said


def test_what_dies_is_started_again_later_each_time_until_it_is_told_to_stop() -> None:
    said: list[str] = []
    wake_signal = WakeSignal()

    def say(line: str) -> None:
        said.append(line)
        if sum("started again" in one for one in said) == 3:
            wake_signal.stop()

    Supervisor([ChildCommand(name="wrong", arguments=("no-such-command",))], say).run(wake_signal)
    waits = [line.rpartition(" in ")[2] for line in said if "started again" in line]
    assert waits == ["0 s", "1 s", "2 s"]
    assert sum("started, process" in line for line in said) == 3
