"""`ats config show`: every setting, its value, and where it comes from."""

import sys
from collections.abc import Sequence

from rich.text import Text

from ats_assets.runs.writing import console, say, write_rows
from ats_assets.serving.queries.shown_settings import ShownSetting, as_json, as_toml, listed_settings, shown_defaults, value_text, within
from ats_assets.settings import load_settings, setting_origins


def show_settings(*, section: str | None, defaults: bool, set_only: bool, form: str) -> None:
    """Write the settings to standard output.

    Raises
    ------
    SettingsError
        If there is no such section, or the settings can't be read.
    """
    shown = within(shown_defaults() if defaults else listed_settings(load_settings(), setting_origins()), section)
    if set_only:
        shown = [one for one in shown if one.comes_from != "default"]
    if form == "table":
        _write_settings(shown)
    else:
        sys.stdout.write(as_toml(shown) if form == "toml" else as_json(shown))


def _write_settings(shown: Sequence[ShownSetting]) -> None:
    rows = [[Text(one.name), Text(one.origin), Text(value_text(one.value))] for one in shown]
    if rows:
        write_rows(console(), rows)
    else:
        say("nothing is set: every value is its default")
