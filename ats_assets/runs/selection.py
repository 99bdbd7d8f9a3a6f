"""The assets of a run."""

import re
from collections.abc import Collection
from collections.abc import Set as AbstractSet

import dagster as dg
import typer
from dagster._core.definitions.asset_selection import DagsterInvalidAssetSelectionError

from ats_assets.orchestration.graph import asset_name

WORDS = {"and", "or", "not", "sinks", "roots"}
_BARE_NAME = re.compile(r'(?<![\w:"<>/*.-])([A-Za-z_]\w*)(?![\w:"(])')

_GROUP = re.compile(r'\bgroup:"?')


def chosen_assets(
    definitions: dg.Definitions, selection: str | None, *, with_upstream: bool = False, without: Collection[str] = ()
) -> AbstractSet[str]:
    """The names of the assets of a selection in Dagster's syntax, with those that can't be made apart from them; all without one.

    A bare name stands for `key:"name"`, and a comma for `or`; the rest is Dagster's: `+x` with all that is upstream, `x+` downstream, `group:bars`.

    Parameters
    ----------
    with_upstream
        Whether all that they are made from belongs to them.
    without
        Without a selection these are left out, and what is made of them.
    """
    graph = definitions.resolve_asset_graph()
    keys = {asset_name(key): key.to_user_string() for key in graph.materializable_asset_keys}
    known = set(keys)
    if selection is None:
        left_out = dg.AssetSelection.keys(*(keys[name] for name in without if name in keys)).downstream().resolve(graph) if without else ()
        return known - {asset_name(key) for key in left_out}

    def keyed(match: re.Match[str]) -> str:
        return match[1] if match[1].lower() in WORDS else f'key:"{keys.get(match[1], match[1])}"'

    prefix = next(("_".join([*key.path[:-1], ""]) for key in graph.materializable_asset_keys), "")
    text = " or ".join(_GROUP.sub(rf"\g<0>{prefix}", _BARE_NAME.sub(keyed, part.strip())) for part in selection.split(","))
    try:
        parsed = dg.AssetSelection.from_string(text)
        parsed = parsed.upstream() if with_upstream else parsed
        found = parsed.required_multi_asset_neighbors() | parsed
        names = {asset_name(key) for key in found.resolve(graph, allow_missing=True)}
    except DagsterInvalidAssetSelectionError:
        raise typer.BadParameter(
            f"{selection!r} is not a selection: write names, +name (with all upstream), name+, group:name, joined by and, or, not",
            param_hint="--select",
        ) from None
    if not names:
        raise typer.BadParameter(f"{selection!r} selects nothing; choose from {', '.join(sorted(known))}", param_hint="--select")
    return names
