"""Progress of a run of the graph: of all its parts, of the steps of the part that runs now, and of what goes on within a step."""

import contextlib
import io
import sys
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Column

from ats_assets.runs.progress import LINE_SECONDS, LeftColumn, Reminder, time_left, told_time
from ats_assets.runs.writing import bar_console, say
from ats_assets.secrecy import redacted

BAR_SECONDS = 2.0
"""How often a bar is told what goes on within a step."""
BAR, BESIDE = 10, 42
"""Columns of a terminal: a bar's, and of counts, times and gaps beside what is told."""
NEWS_LETTERS = 120
"""Of a line of the log that are shown."""


def _nothing(_: datetime) -> str:
    """Nothing else is known."""
    return ""


class RunProgress:
    """One bar of the sessions done in all parts of a run, one of the steps of the part that runs now, with what that step last said of itself.

    Parameters
    ----------
    sessions
        In all parts; 0: nobody knows.
    unit
        What they are called.

    Attributes
    ----------
    beside
        Says what else is known since a step began, such as the requests to vendors; asked now and then, by another thread.
    """

    def __init__(self, sessions: int, unit: str = "sessions") -> None:
        self.beside: Callable[[datetime], str] = _nothing
        self._console = bar_console()
        self._bars: Progress | None = None
        if self._console.is_terminal:
            columns = (
                SpinnerColumn(),
                TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True)),
                BarColumn(bar_width=BAR),
                MofNCompleteColumn(),
                TextColumn("{task.fields[unit]}"),
                TimeElapsedColumn(),
                LeftColumn(),
            )
            self._bars = Progress(*columns, console=self._console, redirect_stdout=sys.stdout.isatty())
            self._total = self._bars.add_task("all", total=sessions, unit=unit, left="")
            self._part = self._bars.add_task("", total=1, unit="steps", left="")
        self._reminder = Reminder(self._show, lambda: self._told + LINE_SECONDS if self._bars is None else time.monotonic() + BAR_SECONDS)
        self._name = self._key = self._news = ""
        self._started = self._begun = self._told = self._step_begun = time.monotonic()
        self._step_since = datetime.now(UTC)
        self._sessions, self._done = sessions, 0
        self._weights: list[float] = []
        self._planned = self._made = self._now = 0.0
        self._share, self._before = 1.0, 0.0
        self._steps = self._ended = 0
        self._within = 0.0
        self._besides, self._asked = "", float("-inf")
        self._saying = threading.Lock()

    def __enter__(self) -> Self:
        self._started = self._told = time.monotonic()
        if self._bars:
            self._bars.start()
        self._reminder.begin()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._reminder.end()
        if self._bars:
            self._bars.stop()
            if isinstance(self._console.file, io.TextIOWrapper):
                self._console.file.close()

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
        self._of_step("")
        if self._bars:
            self._bars.reset(self._part, total=steps, description=name)

    def step(self, key: str, started: bool) -> None:
        """A step of the part has started, or ended."""
        self._ended += not started
        self._of_step(key if started else "")
        if self._bars and not started:
            self._bars.advance(self._part)
        self._show()

    def within(self, key: str, done: int, given: int, unit: str = "pieces of work") -> None:
        """Of what makes an asset so much is done: sessions written, or pieces of work that workers were given, for this step or ahead of it."""
        is_now = self._key.rpartition("__")[2] == key
        self._within = done / given if is_now else self._within
        self._news = f"{'' if is_now else f'{key}: '}{done} of {given} {unit}"
        self._show()

    def note(self, key: str, text: str) -> None:
        """A line of the log that the step has written."""
        if key == self._key and text:
            line = redacted(text.splitlines()[0]).removeprefix(f"{key} ")
            self._news = line if len(line) <= NEWS_LETTERS else f"{line[:NEWS_LETTERS]}…"

    def end(self, sessions: int) -> None:
        """The part is done, and with it so many sessions."""
        self._done += sessions
        self._made, self._now = self._made + self._now, 0.0
        self._of_step("")
        if self._bars:
            self._bars.advance(self._total, sessions)
            return
        with self._saying:
            self._told = time.monotonic()
            left = self._left() if self._told - self._started >= LINE_SECONDS else ""
            say(", ".join(filter(None, [f"{self._name}: {self._told - self._begun:.1f} s", left])))
            self._name = ""

    def _of_step(self, key: str) -> None:
        self._key, self._news, self._within, self._asked = key, "", 0.0, float("-inf")
        self._step_begun, self._step_since = time.monotonic(), datetime.now(UTC)

    def _show(self) -> None:
        """Tell the bars what is known now; elsewhere write a line, if there was none for some time."""
        if not self._name:
            self._told = time.monotonic()
            return
        if self._bars:
            room, told = max(self._console.width - BESIDE - BAR, 24), self._step_told()
            whole = f"{self._name}  {told}".rstrip()
            text = told if told and len(whole) > room else whole
            self._bars.update(self._part, description=text if len(text) <= room else f"{text[: room - 1]}…")
            self._bars.update(self._total, left=self._left())
            return
        with self._saying:
            now = time.monotonic()
            if now - self._told < LINE_SECONDS:
                return
            self._told = now
            said = f"{self._name}: {self._ended} of {self._steps} steps, {told_time(now - self._begun)}"
            say("; ".join(filter(None, [", ".join(filter(None, [said, self._left()])), self._step_told()])))

    def _step_told(self) -> str:
        """Of the step that runs now: how long it has, and what is known of it."""
        if not self._key:
            return self._news
        seconds = time.monotonic() - self._step_begun
        told = [f"for {told_time(seconds)}"] if seconds >= BAR_SECONDS else []
        told += [self._news] if self._news else []
        if seconds >= BAR_SECONDS:
            told += filter(None, [self._known_beside()])
        return f"{self._key} {', '.join(told)}".rstrip()

    def _known_beside(self) -> str:
        """What `beside` said last: a step may write thousands of sessions, and what it looks into may be a database."""
        now = time.monotonic()
        if now - self._asked >= BAR_SECONDS:
            self._asked, self._besides = now, ""
            with contextlib.suppress(Exception):  # no run fails for what is told of it
                self._besides = self.beside(self._step_since)
        return self._besides

    def _left(self) -> str:
        """In words; empty at the end, and where nobody knows."""
        of_part = min((self._ended + self._within) / self._steps, 1.0) if self._steps else 0.0
        of_planned = self._made + self._now * of_part
        share = min(self._before + self._share * of_planned / self._planned, 1.0) if self._planned else 0.0
        left = time_left(time.monotonic() - self._started, share)
        return "" if left is None or share == 1 else f"about {told_time(left)} left"
