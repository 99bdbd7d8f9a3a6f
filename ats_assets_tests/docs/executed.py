"""Which commands of `ats` the suite carries out, and with which options: by the syntax trees of its own files.

1. Of each call, the texts that it begins with, and of each list in one likewise (`command("orders", "status")`, `invoke(app, ["serve", "key", ...])`, a process's
   `[..., "-m", "ats_assets.cli", "exporter"]`). They count where what is called is known to carry a command out (`RUNNERS`).
2. A function of a test that hands on its own arguments after some words (`told(*arguments)` calls `["sources", *arguments]`) is called with the rest of them.
"""

import ast
import functools
from collections.abc import Iterator
from pathlib import Path

from ats_assets_tests.docs.commands import ROOT
from ats_assets_tests.docs.test_synopsis import real

RUNNERS = frozenset({"Popen", "ats", "command", "create_subprocess_exec", "forked", "invoke", "process", "run", "started", "upped"})
"""The functions that start `ats` with their arguments, in this process or another."""
PROGRAMS = ("ats_assets.cli", "from ats_assets.cli import main; main()")
"""After which a process's arguments are those of `ats`."""
Words = tuple[str, ...]


@functools.cache
def executed() -> dict[str, dict[str, set[str]]]:
    """Command -> the files that carry it out, relative to the project, each with the options that it gives."""
    found: dict[str, dict[str, set[str]]] = {}
    for file in sorted((ROOT / "ats_assets_tests").rglob("*.py")):
        text = file.read_text(encoding="utf-8")
        if "ats" not in text:
            continue
        for words in executed_by(ast.parse(text)):
            if name := command_of(words):
                found.setdefault(name, {}).setdefault(str(file.relative_to(ROOT)), set()).update(options(words))
    return found


def command_of(words: Words) -> str | None:
    """The command that arguments of `ats` begin with."""
    return next((name for length in (3, 2, 1) if (name := " ".join(words[:length])) in real() and len(words) >= length), None)


def options(words: Words) -> Iterator[str]:
    """Those among arguments of `ats`, without their values."""
    return (word.partition("=")[0] for word in words if word.startswith("-"))


def executed_by(tree: ast.Module) -> Iterator[Words]:
    """The arguments of `ats` that a file's calls give, as far as they are written there."""
    wrapped: dict[str, Words] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.args.vararg:
            for call in (inner for inner in ast.walk(node) if isinstance(inner, ast.Call) and _callee(inner) in RUNNERS):
                for words, handed_on in _arguments(call):
                    if node.args.vararg.arg in handed_on:
                        wrapped[node.name] = words
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call | ast.List)):
        if isinstance(call, ast.List):
            yield from _of_process(call)
        elif (name := _callee(call)) in wrapped or name in RUNNERS:
            for words, _ in _arguments(call):
                yield (*wrapped.get(name, ()), *words)


def _callee(call: ast.Call) -> str:
    return getattr(call.func, "attr", "") or getattr(call.func, "id", "")


def _arguments(call: ast.Call) -> Iterator[tuple[Words, set[str]]]:
    """The texts of a call, and of a list in it; and the names of what is handed on. What else stands before them, such as a folder, is left out."""
    for row in [call.args, *(one.elts for one in call.args if isinstance(one, ast.List | ast.Tuple))]:
        names = {inner.id for one in row if isinstance(one, ast.Starred) for inner in ast.walk(one) if isinstance(inner, ast.Name)}
        yield _texts(row), names


def _texts(row: list[ast.expr]) -> Words:
    """Of arguments those that are written out; of a choice (`*(["--json"] if … else [])`) those of both."""
    found: list[str] = []
    for one in row:
        found += [inner.value for inner in ast.walk(one) if isinstance(inner, ast.Constant) and isinstance(inner.value, str)]
    return tuple(found)


def _of_process(words: ast.List) -> Iterator[Words]:
    texts = [one.value if isinstance(one, ast.Constant) and isinstance(one.value, str) else "" for one in words.elts]
    for program in PROGRAMS:
        if program in texts:
            yield tuple(texts[texts.index(program) + 1 :])


def files_of(command: str) -> list[Path]:
    """The files of tests that carry a command out."""
    return [ROOT / name for name in executed().get(command, {})]
