"""The commands of a page: those of its shell blocks line by line, and those that its text names; and whether the real command line takes them."""

import functools
import io
import re
import shlex
from collections.abc import Iterator
from contextlib import redirect_stdout, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import typer
from typer import Exit
from typer._click.exceptions import ClickException

from ats_assets.cli import app

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("", "docs", "examples", "deploy", "models", "warehouse", "findings", "benchmarks")
"""Whose pages are read, at any depth below those that are no mere files."""
SHELLS = ("sh", "bash", "shell", "console")
_BLOCK = re.compile(r"^( *)```(\w*)[^\n]*\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
_NAMED = re.compile(r"`((?:\.venv/bin/)?ats (?:[^`]|\n)+)`")


@dataclass(frozen=True, kw_only=True)
class PageCommand:
    """A program that a page calls.

    Attributes
    ----------
    page
        Relative to the project's root.
    words
        The program and its arguments, without the environment before it and what is redirected.
    environment
        What is set before the program.
    text
        The line as it stands on the page.
    """

    page: str
    words: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)
    text: str = ""

    @property
    def of_ats(self) -> tuple[str, ...] | None:
        """The arguments of `ats`, if that is what is called, by whatever name."""
        program, *arguments = self.words
        if program == "ats" or program.endswith("/ats"):
            return tuple(arguments)
        if self.words[:3] == ("python3", "dev.py", "run"):
            return ("run", *self.words[3:])
        return ("run", *self.words[2:]) if self.words[:2] == ("dev.py", "run") else None


def pages() -> list[Path]:
    """Every page that people read, but for decisions and the changelog, which tell of their time."""
    found = [*ROOT.glob("*.md"), *(page for folder in FOLDERS if folder for page in (ROOT / folder).rglob("*.md"))]
    return sorted(page for page in found if page.name != "CHANGELOG.md" and "decisions" not in page.parts and "data" not in page.parts)


def shell_commands(page: Path) -> list[PageCommand]:
    """Every program that the shell blocks of a page call, in order; of blocks of text those lines that begin with `$ `."""
    text = page.read_text(encoding="utf-8")
    found: list[PageCommand] = []
    for indent, language, block in _BLOCK.findall(text):
        lines = [line.removeprefix(indent) for line in block.splitlines()]
        if language in SHELLS and not any(line.startswith("$ ") for line in lines):
            found += page_commands("\n".join(lines), page)
        elif language in {*SHELLS, "", "text"}:
            found += [one for line in lines if line.startswith("$ ") for one in page_commands(line[2:], page)]
    return found


def named_commands(page: Path) -> list[PageCommand]:
    """The commands of `ats` that the text names, such as `ats stale --heal`; what is only a form of words (`[--json]`, `a|b`) is left out of them."""
    text = _BLOCK.sub("", page.read_text(encoding="utf-8"))
    found: list[PageCommand] = []
    for named in _NAMED.findall(text):
        line = " ".join(named.split()).replace("[", "").replace("]", "")
        with suppress(ValueError):  # a quotation mark alone
            found.append(PageCommand(page=_name(page), words=tuple(shlex.split(line)), text=named))
    return found


def _name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def page_commands(block: str, page: Path) -> Iterator[PageCommand]:
    """Every program that a text in the language of the shell calls."""
    lexer = shlex.shlex(_without_comments(block.replace("\\\n", " ")), posix=True, punctuation_chars="|&;()<>\n")
    lexer.whitespace, lexer.whitespace_split, lexer.commenters = " \t\r", True, ""
    words: list[str] = []
    redirected = False
    for word in [*lexer, "\n"]:
        if set(word) <= set("\n|&;()") and word:
            yield from _command(words, page)
            words, redirected = [], False
        elif set(word) <= set("<>&") and word:
            redirected = True
        elif redirected:
            redirected = False
        else:
            words.append(word)


def _without_comments(block: str) -> str:
    """The same with each comment cut off, and the end of its line left, which shlex takes with it."""
    kept: list[str] = []
    quote = ""
    in_comment = False
    for before, sign in zip(f"\n{block}", block, strict=False):
        in_comment = in_comment and sign != "\n"
        if not in_comment and not quote and sign == "#" and before.isspace():
            in_comment = True
        elif not in_comment:
            quote = "" if sign == quote else sign if not quote and sign in "'\"" else quote
        if not in_comment:
            kept.append(sign)
    return "".join(kept)


def _command(words: list[str], page: Path) -> Iterator[PageCommand]:
    rest = [word for word in words if word not in {"do", "then", "else", "exec", "sudo", "time"}]
    environment: dict[str, str] = {}
    while rest and re.match(r"[A-Za-z_]\w*=", rest[0]):
        name, _, value = rest.pop(0).partition("=")
        environment[name] = value
    if rest:
        yield PageCommand(page=_name(page), words=tuple(rest), environment=environment, text=" ".join(words))


@functools.cache
def _root() -> Any:
    return typer.main.get_command(app)


def refused(arguments: tuple[str, ...]) -> str | None:
    """What the real command line has against the arguments of `ats`, without carrying anything out; None where it takes them."""
    if arguments[:1] == ("--install-completion",):  # which acts while it is read
        return unknown(arguments)
    with redirect_stdout(io.StringIO()):  # --help
        return _refused(_root(), list(arguments), None)


def _refused(command: Any, arguments: list[str], parent: Any) -> str | None:
    try:
        context = command.make_context(command.name or "ats", arguments, parent=parent)
    except ClickException as error:
        told = error.format_message()
        return None if told.endswith("does not exist.") else told  # a file of the reader's
    except Exit as ended:
        return None if ended.exit_code == 0 else f"status {ended.exit_code}"
    rest = [*context._protected_args, *context.args] if hasattr(command, "commands") else []
    if not rest:
        return None
    try:
        _, found, left = command.resolve_command(context, rest)
    except ClickException as error:
        return error.format_message()
    return _refused(found, left, context)


def unknown(arguments: tuple[str, ...]) -> str | None:
    """Likewise where arguments may be missing, as in a text that names a command: the command there must be, and each option."""
    command = _root()
    path: list[str] = []
    rest = list(arguments)
    while below := getattr(command, "commands", None):
        if not rest or rest[0].startswith("-"):
            break
        if rest[0] not in below:
            return f"there is no command {' '.join([*path, rest[0]])}"
        path.append(rest.pop(0))
        command = below[path[-1]]
    known = {option for one in command.params for option in (*one.opts, *one.secondary_opts)} | {"--help"}
    strange = [word for word in rest if word.startswith("--") and word.partition("=")[0] not in known]
    return f"ats {' '.join(path)} has no option {', '.join(strange)}" if strange else None
