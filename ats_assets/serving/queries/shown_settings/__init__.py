"""Settings as they are shown to people: each value with its default, its origin and what it is, secrets hidden."""

from ats_assets.serving.queries.shown_settings.differences import SettingDifference, setting_differences
from ats_assets.serving.queries.shown_settings.hiding import without_secrets
from ats_assets.serving.queries.shown_settings.setting_lines import as_json, as_toml, value_text
from ats_assets.serving.queries.shown_settings.values import ShownSetting, flat_values, listed_settings, shown_defaults, within

__all__ = [
    "SettingDifference",
    "ShownSetting",
    "as_json",
    "as_toml",
    "flat_values",
    "listed_settings",
    "setting_differences",
    "shown_defaults",
    "value_text",
    "within",
    "without_secrets",
]
