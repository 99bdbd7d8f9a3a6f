"""docs/expressions.md: its example runs, its table is that of the operators, its figures and its message are true."""

import re
from pathlib import Path

import pytest

from ats_assets.errors import ExpressionError
from ats_assets.expressions import MAX_DEPTH, MAX_LOOKBACK, MAX_WINDOW, OPERATORS, compile_expressions, lookback
from ats_assets.expressions.compiler import MAX_SCRATCH_BYTES
from ats_assets.expressions.parser import MAX_LENGTH

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "expressions.md").read_text()


def test_the_example_runs() -> None:
    [example] = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    exec(compile(example, "docs/expressions.md", "exec"), {})


def test_the_table_is_that_of_the_operators() -> None:
    rows = [f"| `{name}` | {', '.join((*one.operands, *one.parameters))} | {one.meaning} |" for name, one in OPERATORS.items()]
    assert "\n".join(["| operator | arguments | gives |", "|---|---|---|", *rows, ""]) in PAGE


def test_the_windows_of_exponential_averages() -> None:
    table = re.search(r"\| span \|(.*)\|\n.*\n\| look-back \|(.*)\|", PAGE)
    assert table
    spans, backs = (row.replace(" ", "").split("|") for row in table.groups())
    assert [lookback({"a": f"EMA($close, {span})"}) for span in spans] == [int(back) for back in backs]
    assert lookback({"a": "EMA($close, 0.0714285714285714)"}) == 258


def test_the_limits() -> None:
    for limit in (MAX_LENGTH, MAX_DEPTH, MAX_WINDOW, MAX_LOOKBACK):
        assert re.search(rf"\| {limit:,}( sessions)? \|", PAGE)
    assert MAX_SCRATCH_BYTES == 2**30


def test_the_message() -> None:
    [message] = re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL)
    with pytest.raises(ExpressionError) as caught:
        compile_expressions({"signal": message.split("\n")[1].strip()})
    assert str(caught.value) == message.rstrip("\n")
