"""The synopsis of docs/operations.md against the commands that there are: each command, each option, nothing else."""

import functools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer
from rich.text import Text

from ats_assets.cli import app

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "operations.md").read_text(encoding="utf-8")
Synopsis = dict[str, tuple[set[str], int]]
"""Command -> its long options, and how many arguments it takes."""


def commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Each command below one, by its words."""
    below = getattr(command, "commands", None)
    if not below:
        yield " ".join(path), command
        return
    if path and command.invoke_without_command:
        yield " ".join(path), command
    for name, each in below.items():
        yield from commands(each, (*path, name))


@functools.cache
def real() -> Synopsis:
    found: Synopsis = {}
    for name, command in commands(typer.main.get_command(app)):
        options = {each for one in command.params for each in one.opts if each.startswith("--")} - {"--help"}
        found[name] = options, sum(not each.opts[0].startswith("-") for each in command.params)
    return found


def written() -> Synopsis:
    """What the block of the page says: a line a command, its other lines indented; what is in capitals and no option's is an argument."""
    (block,) = re.findall(r"^## Run\n\n```\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    found: Synopsis = {}
    for line in re.sub(r"\n +", " ", block).splitlines():
        name = re.match(r"ats ((?:[a-z][a-z-]*(?: |$))+)", line)
        if name is None:
            assert line == "ats --version", line
            continue
        arguments = re.sub(r"\[--[^\]]*\]|--[a-z-]+ [A-Z]+", "", line[name.end() :])
        found[name[1].strip()] = set(re.findall(r"--[a-z-]+", line)), len(re.findall(r"[A-Z]+", arguments))
    return found


def test_the_synopsis_is_that_of_the_commands() -> None:
    assert written() == real()


def test_each_command_argument_and_option_says_what_it_is() -> None:
    """`--help` and the site's page of commands are made of it."""
    root = typer.main.get_command(app)
    silent = [name for name, command in commands(root) if not command.help]
    silent += [f"{name} {one.opts[0]}" for name, command in commands(root) for one in command.params if not getattr(one, "help", None)]
    assert not silent


def test_help_loses_nothing_that_stands_in_brackets() -> None:
    """Rich takes `[exports]` for a style and shows nothing of it, unless a backslash is before it."""
    root = typer.main.get_command(app)
    texts = [command.help for _, command in commands(root)]
    texts += [getattr(one, "help", None) for _, command in commands(root) for one in command.params]
    assert [text for text in texts if text and Text.from_markup(text).plain != text.replace("\\[", "[")] == []
