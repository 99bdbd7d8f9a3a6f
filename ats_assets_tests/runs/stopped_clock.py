"""A clock that stands where a test puts it, and a terminal that is text."""

import io

import pytest
from rich.console import Console

from ats_assets.runs import progress, run_progress


class Clock:
    """Stands where it is put."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


def on_a_terminal(monkeypatch: pytest.MonkeyPatch, width: int = 160) -> io.StringIO:
    """Have progress shown as on a terminal."""
    screen = io.StringIO()
    for module, name in ((progress, "console"), (run_progress, "bar_console")):
        monkeypatch.setattr(module, name, lambda **_: Console(file=screen, force_terminal=True, width=width))
    return screen
