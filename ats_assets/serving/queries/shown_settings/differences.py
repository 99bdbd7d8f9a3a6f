"""Where two sets of settings differ."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ats_assets.serving.queries.shown_settings.values import DEFAULT, ShownSetting, listed_settings
from ats_assets.settings import Settings


@dataclass(frozen=True, kw_only=True)
class SettingDifference:
    """A setting that is not the same in both. `None` where one of them has none of that name."""

    name: str
    before: ShownSetting | None
    after: ShownSetting | None


def setting_differences(
    before: Settings, after: Settings, folders: tuple[Path, Path], origins: tuple[Mapping[str, str], ...] = ({}, {})
) -> list[SettingDifference]:
    """What differs, in the order of the settings.

    Parameters
    ----------
    folders
        Of the two settings files: a path below its own folder is the same as the other's below the other's.
    origins
        Of both, as in `listed_settings`.
    """
    first, second = (
        {one.name: one for one in listed_settings(settings, origin)} for settings, origin in zip((before, after), origins, strict=True)
    )
    pairs = [SettingDifference(name=name, before=first.get(name), after=second.get(name)) for name in dict.fromkeys([*first, *second])]
    return [pair for pair in pairs if not _follows(pair) and _differ(pair, folders)]


def _follows(pair: SettingDifference) -> bool:
    """Whether nobody said it in either: a folder that follows from where the settings file lies, or from the source's name."""
    return pair.before is not None and pair.after is not None and {pair.before.origin, pair.after.origin} == {DEFAULT}


def _differ(pair: SettingDifference, folders: tuple[Path, Path]) -> bool:
    same = pair.before is not None and pair.after is not None and pair.before.value == pair.after.value
    return not same and _seen(pair.before, folders[0]) != _seen(pair.after, folders[1])


def _seen(one: ShownSetting | None, folder: Path) -> Any:
    """The value, paths below the settings file's folder as relative ones."""
    if one is None or not isinstance(one.value, str) or not one.value.startswith(f"{folder}/"):
        return (one is not None, one and one.value)
    return (True, str(Path(one.value).relative_to(folder)))
