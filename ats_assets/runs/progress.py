"""Progress of what takes long, with the time that is left: bars on a terminal, a line now and then elsewhere."""

import threading
import time
from collections.abc import Sequence
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


class _Left(ProgressColumn):
    """The time that is left, in words."""

    @override
    def render(self, task: Task) -> Text:
        return Text(task.fields.get("left", ""))


class RunProgress:
    """One bar of the sessions done in all parts of a run, one of the steps of the part that runs now.

    Parameters
    ----------
    sessions
        In all parts; 0: nobody knows.
    unit
        What they are called.
    """

    def __init__(self, sessions: int, unit: str = "sessions") -> None:
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
                _Left(),
            )
            self._bars = Progress(*columns, console=self._console)
            self._total = self._bars.add_task("all", total=sessions, unit=unit, left="")
            self._part = self._bars.add_task("", total=1, unit="steps", left="")
        self._name = ""
        self._started = self._begun = self._told = time.monotonic()
        self._sessions, self._done = sessions, 0
        self._weights: list[float] = []
        self._planned = self._made = self._now = 0.0
        self._share, self._before = 1.0, 0.0
        self._steps = self._ended = 0

    def __enter__(self) -> Self:
        self._started = time.monotonic()
        if self._bars:
            self._bars.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._bars:
            self._bars.stop()

    def expect(self, weights: Sequence[float], sessions: int) -> None:
        """What is to come, before its parts begin: how much work each is, by any measure, and how many of the sessions they are."""
        self._weights, self._planned, self._made = list(weights), sum(weights), 0.0
        known = bool(self._sessions) and sessions < self._sessions
        self._share = sessions / self._sessions if known else 1.0
        self._before = self._done / self._sessions if known else 0.0

    def begin(self, name: str, steps: int) -> None:
        """A part begins."""
        self._begun, self._name, self._steps, self._ended = time.monotonic(), name, steps, 0
        self._now = self._weights.pop(0) if self._weights else 0.0
        if self._bars:
            self._bars.reset(self._part, total=steps, description=name)

    def step(self, key: str, started: bool) -> None:
        """A step of the part has started, or ended."""
        self._ended += not started
        if self._bars and started:
            self._bars.update(self._part, description=f"{self._name}  {key}")
        elif self._bars:
            self._bars.advance(self._part)
            self._bars.update(self._total, left=self._left())
        elif time.monotonic() - self._told >= LINE_SECONDS:
            self._told = time.monotonic()
            said = f"{self._name}: {self._ended} of {self._steps} steps, {told_time(self._told - self._begun)}"
            say(", ".join(filter(None, [said, self._left()])))

    def within(self, key: str, done: int, given: int) -> None:
        """Of a step so many pieces of work are done, of those that workers were given."""
        told = f"{key}: {done} of {given} pieces of work"
        if self._bars:
            self._bars.update(self._part, description=f"{self._name}  {told}")
        elif time.monotonic() - self._told >= LINE_SECONDS:
            self._told = time.monotonic()
            say(f"{self._name}: {told}, {told_time(self._told - self._begun)}")

    def end(self, sessions: int) -> None:
        """The part is done, and with it so many sessions."""
        self._done += sessions
        self._made, self._now = self._made + self._now, 0.0
        if self._bars:
            self._bars.advance(self._total, sessions)
            return
        self._told = time.monotonic()
        left = self._left() if self._told - self._started >= LINE_SECONDS else ""
        say(", ".join(filter(None, [f"{self._name}: {self._told - self._begun:.1f} s", left])))

    def _left(self) -> str:
        """In words; empty at the end, and where nobody knows."""
        of_planned = self._made + self._now * (self._ended / self._steps if self._steps else 0.0)
        share = min(self._before + self._share * of_planned / self._planned, 1.0) if self._planned else 0.0
        left = time_left(time.monotonic() - self._started, share)
        return "" if left is None or share == 1 else f"about {told_time(left)} left"


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
        self._over, self._saying = threading.Event(), threading.Lock()
        self._clock: threading.Thread | None = None
        out = console(stderr=True)
        self._bar: Progress | None = None
        if out.is_terminal:
            counted = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[unit]}")) if total is not None else ()
            self._bar = Progress(
                SpinnerColumn(), TextColumn("{task.description}"), *counted, TimeElapsedColumn(), _Left(), console=out, transient=True
            )
            self._task = self._bar.add_task(what, total=total, unit=unit, left="")
        else:
            self._clock = threading.Thread(target=self._tell, daemon=True)

    def __enter__(self) -> Self:
        self._started = self._told = time.monotonic()
        if self._bar:
            self._bar.start()
        if self._clock:
            self._clock.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._over.set()
        if self._bar:
            self._bar.stop()

    def step(self, n: int = 1, now: str = "") -> None:
        """So many parts are done; what is done now."""
        self._done += n
        elapsed = time.monotonic() - self._started
        seconds = time_left(elapsed, self._done / self._total) if self._total else None
        left = "" if seconds is None or self._done == self._total else f"about {told_time(seconds)} left"
        if self._bar:
            self._bar.update(self._task, completed=self._done, description=f"{self._what}  {now}" if now else self._what, left=left)
        elif self._done != self._total:
            self._say(left)

    def reach(self, done: int, total: int) -> None:
        """So many of so many parts are done, whose number is known by now. The time that is left is told from the first of them on."""
        if done == 0 or total != self._total:
            self._done, self._total = 0, total
            self._started = self._told = time.monotonic()
            if self._bar:
                self._bar.update(self._task, total=total)
        self.step(done - self._done)

    def _tell(self) -> None:
        while not self._over.wait(LINE_SECONDS):
            self._say()

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
