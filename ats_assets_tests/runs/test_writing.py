"""What a terminal of 80 columns is shown: text is broken at spaces, and a path never, so that it can be copied."""

import io
import time

import pytest
from rich.console import Console
from rich.text import Text

from ats_assets.runs.writing import said_if_slow, write_line, write_rows

PATH = "/srv/research/" + "a-long-folder/" * 8 + "session=2021-03-31/known=2021-03-31T20-00-00.000000Z.parquet"
WORDS = "what is said about it takes more than one line of a terminal that has eighty columns and no more"


def shown(*, terminal: bool, rows: list[tuple[str, str]] | None = None, line: str = "") -> list[str]:
    file = io.StringIO()
    out = Console(file=file, width=80 if terminal else 2000, force_terminal=terminal, color_system=None, highlight=False)
    if rows:
        write_rows(out, [tuple(map(Text, row)) for row in rows])
    else:
        write_line(out, Text(line))
    return file.getvalue().splitlines()


def test_a_path_is_whole_and_words_are_wrapped_beneath_each_other() -> None:
    lines = shown(terminal=True, rows=[("ok", f"{WORDS}: {PATH} {WORDS}"), ("folder", "short\n→ what to do")])
    assert f"        {PATH}" in lines
    rest = [line for line in lines if line.strip() != PATH]
    assert max(map(len, rest)) <= 80
    assert rest[0].startswith("ok      what is said")
    assert rest[-2:] == ["folder  short", "        → what to do"]
    assert " ".join(" ".join(lines).split()) == f"ok {WORDS}: {PATH} {WORDS} folder short → what to do"


def test_elsewhere_each_row_is_a_line() -> None:
    assert shown(terminal=False, rows=[("ok", f"{WORDS} {PATH}"), ("folder", "short")]) == [f"ok      {WORDS} {PATH}", "folder  short"]
    assert shown(terminal=False, line=f"{WORDS} {PATH}") == [f"{WORDS} {PATH}"]


def test_a_line_is_broken_at_spaces() -> None:
    lines = shown(terminal=True, line=f"{WORDS} {PATH}")
    assert lines[-1] == PATH
    assert max(map(len, lines[:-1])) <= 80


def test_what_takes_long_is_told_once_and_what_does_not_never(capsys: pytest.CaptureFixture[str]) -> None:
    with said_if_slow("still at it", 0.0):
        time.sleep(0.1)
    assert capsys.readouterr().err == "still at it\n"
    with said_if_slow("still at it", 0.05):
        pass
    time.sleep(0.1)
    assert capsys.readouterr().err == ""
