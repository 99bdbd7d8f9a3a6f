"""Features and expressions, as JSON has them and as a table."""

import json
import sys
from collections.abc import Mapping
from dataclasses import asdict
from types import MappingProxyType
from typing import Any

from rich.text import Text

from ats_assets.features import inspect
from ats_assets.runs.writing import console, write_rows


def needs_of(expression: str) -> dict[str, Any]:
    """What an expression needs, as JSON has it."""
    needs = asdict(inspect(expression))
    return {key: list(value) if isinstance(value, tuple) else value for key, value in needs.items()}


def write_facts(facts: Mapping[str, str], expression: str, stored: Mapping[str, str] = MappingProxyType({})) -> None:
    """Facts, what an expression needs, and what is known of what is stored, as a table on standard output."""
    needs = needs_of(expression)
    shown = {
        **facts,
        "expression": expression,
        "look-back": f"{needs['lookback_sessions']} sessions before the current one",
        "fields": ", ".join(f"${field}" for field in needs["fields"]),
        "operators": ", ".join(needs["operators"]),
        **stored,
    }
    write_rows(console(), [(Text(heading), Text(text)) for heading, text in shown.items()])


def print_json(value: Any) -> None:
    """A value on standard output."""
    sys.stdout.write(json.dumps(value, indent=2, allow_nan=False, ensure_ascii=False) + "\n")
