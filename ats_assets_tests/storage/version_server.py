"""Tells versions of code, each in a process that has read none before: forked from one that has imported what reads them, see `forking`."""

import json
import sys
from importlib import import_module
from pathlib import Path

from ats_assets.storage.versions import code_version
from ats_assets_tests.forking import serve


def answer(line: str) -> None:
    """A question is a line of JSON: a folder to import from, modules or a function as `module:name`, and the file for the answer."""
    asked = json.loads(line)
    sys.path.insert(0, asked["folder"])
    found = []
    for name in asked["names"]:
        module, _, function = name.partition(":")
        found.append(getattr(import_module(module), function) if function else module)
    Path(asked["answer"]).write_text(code_version(*found), encoding="utf-8")


if __name__ == "__main__":
    serve(answer)
