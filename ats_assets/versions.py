"""Versions of code and settings, for the footer of each partition: what made it, so that a change can be told from a repetition."""

import ast
import hashlib
import importlib.util
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from pydantic import BaseModel


def code_version(*modules: str, formulas: Mapping[str, str] | None = None) -> str:
    """SHA-256 (first 16 hex digits) of the syntax trees of the named modules: comments, docstrings and layout do not count.

    Parameters
    ----------
    *modules
        Dotted names; a package stands for every module in it but its wiring (`assets.py`, `checks.py`).
    formulas
        Name to expression, where expressions are part of the code; their order counts.
    """
    digest = hashlib.sha256()
    for module in sorted(modules):
        for file in _files(module):
            digest.update(f"{module}:{file.name}:{_tree(file)}".encode())
    if formulas:
        digest.update(json.dumps(list(formulas.items())).encode())
    return digest.hexdigest()[:16]


def settings_version(*sections: BaseModel) -> str:
    """SHA-256 (first 16 hex digits) of the values of the sections that matter to a partition."""
    values = [(type(section).__name__, section.model_dump(mode="json")) for section in sections]
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]


def _files(module: str) -> list[Path]:
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"{module} has no source to take a version of")
    origin = Path(spec.origin)
    if origin.name != "__init__.py":
        return [origin]
    data = {".py", ".toml", ".json"}
    return sorted(
        file for file in origin.parent.iterdir() if file.suffix in data and file.name not in {"__init__.py", "assets.py", "checks.py"}
    )


@cache
def _tree(file: Path) -> str:
    text = file.read_text(encoding="utf-8")
    if file.suffix != ".py":
        return text
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
            and ast.get_docstring(node, clean=False) is not None
        ):
            node.body = node.body[1:]
    return ast.dump(tree)
