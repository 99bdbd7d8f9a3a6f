"""Which run, asset and session a thread works on, as Dagster itself knows it; nothing where it works for no step."""

import sys
from collections.abc import Mapping
from typing import Any, Final

_COMPUTE = "dagster._core.execution.context.compute"
STEPS: Final = "ats_assets.steps"
"""The logger that repeats what steps write to Dagster's log (`step_lines`)."""
_ASSETS = 3
"""That are named of a step which makes several."""
_last: list[tuple[Any, Mapping[str, str]]] = [(None, {})]
"""The step that was asked about last, and its fields; a step logs many records."""


def step_fields() -> Mapping[str, str]:
    """Run, asset and session of the step under way in this thread. It imports nothing: where Dagster is not loaded, there is no step."""
    module = sys.modules.get(_COMPUTE)
    context = None if module is None else module.current_execution_context.get()
    if context is None:
        return {}
    known, fields = _last[0]
    if known is not context:
        fields = _fields(context)
        _last[0] = context, fields
    return fields


def _fields(context: Any) -> dict[str, str]:
    found = {"run": str(context.run.run_id)}
    keys = _asked(context, "selected_asset_keys") or {check.asset_key for check in _asked(context, "selected_asset_check_keys") or ()}
    names = sorted(key.path[-1] for key in keys)
    if names:
        found["asset"] = ",".join(names[:_ASSETS]) + (f" and {len(names) - _ASSETS} more" if len(names) > _ASSETS else "")
    tags = context.run.tags
    first, last = (tags.get(f"dagster/asset_partition_range_{end}", tags.get("dagster/partition", "")) for end in ("start", "end"))
    if first:
        found["session"] = first if first == last else f"{first} to {last}"
    return found


def _asked(context: Any, name: str) -> Any:
    """What a context says; a step of assets has other words than one of checks."""
    try:
        return getattr(context, name)
    except Exception:  # noqa: BLE001 - a record is logged whatever Dagster has no word for
        return None
