"""Progress of a run: bars on a terminal, a line for each part of it elsewhere."""

import time
from types import TracebackType
from typing import Self

from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from ats_assets.runs.writing import console, say


class RunProgress:
    """One bar of the sessions done in all parts of a run, one of the steps of the part that runs now.

    Parameters
    ----------
    sessions
        In all parts.
    """

    def __init__(self, sessions: int) -> None:
        self._console = console(stderr=True)
        self._bars: Progress | None = None
        if self._console.is_terminal:
            columns = (
                SpinnerColumn(),
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("{task.fields[unit]}"),
                TimeElapsedColumn(),
            )
            self._bars = Progress(*columns, console=self._console)
            self._total = self._bars.add_task("all", total=sessions, unit="sessions")
            self._part = self._bars.add_task("", total=1, unit="steps")
        self._begun = 0.0
        self._name = ""

    def __enter__(self) -> Self:
        if self._bars:
            self._bars.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._bars:
            self._bars.stop()

    def begin(self, name: str, steps: int) -> None:
        """A part begins."""
        self._begun, self._name = time.monotonic(), name
        if self._bars:
            self._bars.reset(self._part, total=steps, description=name)

    def step(self, key: str, started: bool) -> None:
        """A step of the part has started, or ended."""
        if self._bars and started:
            self._bars.update(self._part, description=f"{self._name}  {key}")
        elif self._bars:
            self._bars.advance(self._part)

    def end(self, sessions: int) -> None:
        """The part is done, and with it so many sessions."""
        if self._bars:
            self._bars.advance(self._total, sessions)
        else:
            say(f"{self._name}: {time.monotonic() - self._begun:.1f} s")
