"""Progress of what takes long, with the time that is left: bars on a terminal, a line now and then elsewhere."""

import sys
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, SpinnerColumn, Task, TextColumn, TimeElapsedColumn
from rich.text import Text
from typing_extensions import override

from ats_assets.runs.writing import console, say

LINE_SECONDS = 30.0
"""Where no terminal is: how long nothing is said of what is still going on."""
GUESS_SECONDS = 3.0
"""Before that nothing is said of the time that is left: imports and the first files would be most of it."""


def time_left(elapsed: float, share: float) -> float | None:
    """Seconds that are left where a share of the work took so many; None where it is too early to say.

    Examples
    --------
    >>> time_left(30.0, 0.25), time_left(1.0, 0.5), time_left(10.0, 0.0)
    (90.0, None, None)
    """
    return elapsed * (1 - share) / share if share > 0 and elapsed >= GUESS_SECONDS else None


def told_time(seconds: float) -> str:
    """A time as people say it.

    Examples
    --------
    >>> [told_time(seconds) for seconds in (4.2, 59.6, 150, 4000)]
    ['4 s', '1 min', '3 min', '1 h 7 min']
    """
    if seconds < 59.5:
        return f"{max(seconds, 1):.0f} s"
    minutes = int(seconds / 60 + 0.5)  # halves up, where round() takes the even one
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


class LeftColumn(ProgressColumn):
    """The time that is left, in words."""

    @override
    def render(self, task: Task) -> Text:
        return Text(task.fields.get("left", ""))


class Reminder:
    """Another thread that has something shown again and again, also while one part of a job takes long.

    Parameters
    ----------
    show
        What it calls.
    due
        When next, by `time.monotonic`; asked after each time.
    """

    def __init__(self, show: Callable[[], None], due: Callable[[], float]) -> None:
        self._show, self._due = show, due
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._remind, daemon=True)

    def begin(self) -> None:
        """From now on."""
        self._thread.start()

    def end(self) -> None:
        """No more; what is being shown ends first, so that nothing is said when the job is over."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join(timeout=LINE_SECONDS)

    def _remind(self) -> None:
        while not self._over.wait(max(self._due() - time.monotonic(), 0.01)):
            self._show()


class LongJob:
    """Progress of a command that is no run of the graph.

    On a terminal a bar, with the time that is left where the job has a total, else with the time that it has taken. Elsewhere nothing, but for a job that takes
    longer than `LINE_SECONDS`: it has a line from time to time, also while one part of it takes that long.

    Parameters
    ----------
    what
        Is being done.
    total
        Of its parts; None: it has none that could be counted; 0: `reach` says it.
    unit
        What they are called.
    """

    def __init__(self, what: str, total: int | None = None, unit: str = "") -> None:
        self._what, self._total, self._unit = what, total, unit
        self._done = 0
        self._started = self._told = time.monotonic()
        self._saying = threading.Lock()
        self._reminder: Reminder | None = None
        out = console(stderr=True)
        self._bar: Progress | None = None
        if out.is_terminal:
            counted = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[unit]}")) if total is not None else ()
            columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), *counted, TimeElapsedColumn(), LeftColumn())
            # what is written to a file or a pipe stays there: rich would have it on the terminal, above the bar
            self._bar = Progress(*columns, console=out, transient=True, redirect_stdout=sys.stdout.isatty())
            self._task = self._bar.add_task(what, total=total, unit=unit, left="")
        else:
            self._reminder = Reminder(self._say, lambda: self._told + LINE_SECONDS)

    def __enter__(self) -> Self:
        self._started = self._told = time.monotonic()
        if self._bar:
            self._bar.start()
        if self._reminder:
            self._reminder.begin()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._reminder:
            self._reminder.end()
        if self._bar:
            self._bar.stop()

    def step(self, n: int = 1, now: str = "") -> None:
        """The number of finished parts, and the current one."""
        self._done += n
        elapsed = time.monotonic() - self._started
        seconds = time_left(elapsed, self._done / self._total) if self._total else None
        left = "" if seconds is None or self._done == self._total else f"about {told_time(seconds)} left"
        if self._bar:
            self._bar.update(self._task, completed=self._done, description=f"{self._what}  {now}" if now else self._what, left=left)
        elif self._done != self._total:
            self._say(left)

    def reach(self, done: int, total: int) -> None:
        """Finished parts of all parts, whose number is known by now. The time that is left is told from the first of them on."""
        if done == 0 or total != self._total:
            self._done, self._total = 0, total
            self._started = self._told = time.monotonic()
            if self._bar:
                self._bar.update(self._task, total=total)
        self.step(done - self._done)

    def _say(self, left: str = "") -> None:
        """A line, if there was none for some time."""
        with self._saying:
            now = time.monotonic()
            if now - self._told < LINE_SECONDS:
                return
            self._told = now
        elapsed = told_time(now - self._started)
        parts = [f"{self._what}: {self._done} of {self._total} {self._unit}", elapsed, left]
        say(", ".join(filter(None, parts)) if self._total else f"{self._what}: {elapsed} so far")
