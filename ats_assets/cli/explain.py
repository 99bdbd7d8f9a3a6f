"""`ats explain`: what a target or an order was made from, and which features made its score, as a tree and a table or as JSON."""

import json
import sys
from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from typing import TYPE_CHECKING, Any

from rich.text import Text
from rich.tree import Tree

from ats_assets.deployment import Deployment
from ats_assets.errors import how_many
from ats_assets.lineage.explaining import Explaining, Made, Many
from ats_assets.lineage.index import LineageIndex
from ats_assets.runs.progress import LongJob
from ats_assets.runs.score_table import show_score
from ats_assets.runs.writing import console
from ats_assets.settings import load_settings

if TYPE_CHECKING:
    from ats_assets.predictions.score_explanation import ScoreExplanation

SPANS = 3
"""Runs of sessions that the tree shows of a window."""


def explain(*, symbol: str, session: date, as_json: bool, order: bool = False) -> None:
    """Write the explanation of the target, or of the order, to standard output."""
    deployment = Deployment(load_settings())
    index = LineageIndex(deployment)
    with LongJob("ats explain", 0, "files") as job:
        index.refresh(full=False, reach=job.reach)
        explaining = Explaining(deployment, index.entries())
        explained = (explaining.order if order else explaining.target)(symbol, session.isoformat())
    if as_json:
        score = _score(deployment, symbol, session)
        found = {"symbol": symbol, **asdict(explained), "score": asdict(score) if score else None}
        sys.stdout.write(json.dumps(found, indent=1, ensure_ascii=False, default=str) + "\n")
        return
    tree = Tree(_title(explained, symbol))
    _grow(tree, explained, symbol, _told_at(explained))
    console(whole_lines=True).print(tree)
    out = console()
    if score := _score(deployment, symbol, session):  # the tree is there before the model's library is imported
        show_score(out, symbol, score)


def _score(deployment: Deployment, symbol: str, session: date) -> "ScoreExplanation | None":
    from ats_assets.predictions.score_explanation import explain_score  # noqa: PLC0415 - takes longer than the tree

    return explain_score(deployment, symbol, session)


def _told_at(explained: Made | Many) -> dict[tuple[str, str], int]:
    """Partition -> the node of the tree that tells what it was made from: of those nearest to the root the first."""
    told: dict[tuple[str, str], int] = {}
    level: list[Made | Many] = [explained]
    while level:
        for node in level:
            told.setdefault(_key(node), id(node))
        level = [below for node in level if told[_key(node)] == id(node) for below in node.made_from]
    return told


def _key(node: Made | Many) -> tuple[str, str]:
    return (node.asset, node.digest if isinstance(node, Many) else f"{node.session} {node.data_version}")


def _grow(tree: Tree, explained: Made | Many, symbol: str, told: Mapping[tuple[str, str], int]) -> None:
    for below in explained.made_from:
        if told[_key(below)] == id(below):
            _grow(tree.add(_title(below, symbol)), below, symbol, told)
        else:
            tree.add(Text.assemble((below.asset, "bold"), f"  {_when(below)}, shown elsewhere in this tree"))


def _when(node: Made | Many) -> str:
    return _spans(node) if isinstance(node, Many) else node.session


def _title(explained: Made | Many, symbol: str) -> Text:
    if isinstance(explained, Many):
        title = Text.assemble((explained.asset, "bold"), f"  {_spans(explained)}  digest {explained.digest[:12]}")
        if explained.paths:
            title.append(f"\n{list(explained.paths.values())[-1]}", style="dim")
    else:
        title = Text.assemble((explained.asset, "bold"), f" {explained.session}  data {explained.data_version[:12]}")
        title.append(f"  code {explained.code_version[:12]}  settings {explained.settings_version[:12]}")
        if explained.path:
            title.append(f"\n{explained.path}", style="dim")
        if explained.row:
            title.append(f"\n{symbol}: " + ", ".join(f"{name} {_value(value)}" for name, value in explained.row.items()))
    for note in explained.notes:
        title.append(f"\n{note}", style="yellow")
    return title


def _spans(many: Many) -> str:
    shown = [first if n == 1 else f"{first} to {last} ({n})" for first, last, n in many.spans[:SPANS]]
    more = (
        f" and {how_many(len(many.spans) - SPANS, 'more run')}, {how_many(len(many.versions), 'session')} in all"
        if len(many.spans) > SPANS
        else ""
    )
    return ", ".join(shown) + more


def _value(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return f"{value:.6g}" if isinstance(value, float) else str(value)
