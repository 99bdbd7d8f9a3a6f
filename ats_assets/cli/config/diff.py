"""`ats config diff`: where settings differ, and what becomes stale by it."""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import typer
from rich.table import Table
from rich.text import Text

from ats_assets.errors import SettingsError
from ats_assets.runs.writing import console, say, write_table
from ats_assets.serving.queries.shown_settings import SettingDifference, setting_differences, value_text
from ats_assets.settings import Settings, load_settings, setting_origins, settings_file
from ats_assets.settings.inheriting import written_settings


def show_differences(first: Path | None, second: Path | None, *, with_stale: bool, as_json: bool) -> None:
    """Write what differs to standard output: of two files, of one and the defaults, or of the settings in use and the defaults.

    Raises
    ------
    SettingsError
        If a file is not there, or can't be read.
    """
    before, after = (first, second) if second else (None, first)
    old, old_origins = _of_file(before) if before else (Settings(), {})
    new, new_origins = _of_file(after)
    folders = ((before or settings_file()).absolute().parent, (after or settings_file()).absolute().parent)
    found = setting_differences(old, new, folders, (old_origins, new_origins))
    effects = _effects(old, new) if with_stale else None
    if as_json:
        rows = [{"name": one.name, "before": one.before and one.before.value, "after": one.after and one.after.value} for one in found]
        sys.stdout.write(
            json.dumps({"differences": rows, **({} if effects is None else {"assets": effects})}, indent=2, default=str) + "\n"
        )
        return
    _write_differences(found, str(before or "default"), str(after or "in use"))
    for what, assets in (effects or {}).items():
        typer.echo(f"{what}: {', '.join(assets) or 'none'}")


def _of_file(file: Path | None) -> tuple[Settings, Mapping[str, str]]:
    """The settings of a file alone, whatever the environment says; without one those in use."""
    if file is None:
        return load_settings(), setting_origins()
    if not file.is_file():
        raise SettingsError(f"{file} is not a file: name a settings file, such as ats.toml")
    return load_settings(file.absolute()), {name: str(of) for name, of in written_settings(file.absolute()).origins.items()}


def _effects(old: Settings, new: Settings) -> dict[str, list[str]]:
    say("ats config diff: loading both graphs")
    from ats_assets.runs.settings_effects import settings_effects  # noqa: PLC0415 - imports the graph, which takes seconds

    return settings_effects(old, new)


def _write_differences(found: Sequence[SettingDifference], before: str, after: str) -> None:
    if not found:
        say("no difference")
        return
    table = Table("setting", before, after, box=None, padding=(0, 2, 0, 0))
    for one in found:
        table.add_row(*map(Text, (one.name, *("" if side is None else value_text(side.value) for side in (one.before, one.after)))))
    write_table(console(), table)
