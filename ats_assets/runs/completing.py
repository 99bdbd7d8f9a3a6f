"""What a shell offers after Tab: names, found without the libraries that compute, in a quarter of a second.

So the layout of the warehouse, which any reader of Parquet knows, is read here as it is, and not through the classes of the storage.
"""

import contextlib
import gc
import os
from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ats_assets.settings import Settings

_FAMILIES = Path(__file__).parents[1] / "features" / "families"
_MOST = 200
"""Names that are offered at most: nobody reads more."""


def collect_nothing_to_complete() -> None:
    """Where a shell asks what to offer, garbage is left to the end of the process: what is imported for the answer, settings above all, takes a sixth less time so."""
    if "_ATS_COMPLETE" in os.environ:
        gc.disable()


def setting_names(incomplete: str) -> list[str]:
    """Sections of the settings; after a dot, what is in a section."""
    from ats_assets.settings import Settings  # noqa: PLC0415 - all sections take a tenth of a second

    section, dot, _ = incomplete.partition(".")
    values = Settings().model_dump().get(section) if dot else None
    return _begin([f"{section}.{name}" for name in values] if isinstance(values, dict) else Settings.model_fields, incomplete)


def model_names(incomplete: str) -> list[str]:
    """The models that settings name."""
    return _begin(_of_deployment(lambda settings: settings.models), incomplete)


def export_names(incomplete: str) -> list[str]:
    """The stores that settings name."""
    return _begin(_of_deployment(lambda settings: settings.exports), incomplete)


def stored_assets(incomplete: str) -> list[str]:
    """The assets of which something is stored, models included."""
    return _begin(_of_deployment(_stored), incomplete)


def family_names(incomplete: str) -> list[str]:
    """The families of features, those of one's own included."""
    return _begin(_of_deployment(_families), incomplete)


def signal_symbols(incomplete: str) -> list[str]:
    """The symbols of the newest signals."""
    return _begin(_of_deployment(_symbols), incomplete)


def _stored(settings: "Settings") -> list[str]:
    folders = (settings.storage.warehouse_folder, settings.storage.models_folder)
    return [folder.name for root in folders if root.is_dir() for folder in root.iterdir() if folder.is_dir()]


def _families(settings: "Settings") -> list[str]:
    return ["alpha360", *(file.stem for folder in (_FAMILIES, settings.features.folder) for file in folder.glob("*.toml"))]


def _symbols(settings: "Settings") -> list[str]:
    import duckdb  # noqa: PLC0415 - in half of the time that Polars takes to be imported

    newest = max(settings.storage.warehouse_folder.glob("*signals/session=*"), key=lambda folder: folder.name)
    with duckdb.connect() as connection:
        rows = connection.execute("SELECT DISTINCT symbol FROM read_parquet(?)", [str(newest / "*.parquet")]).fetchall()
    return [symbol for (symbol,) in rows]


def _begin(names: Iterable[str], incomplete: str) -> list[str]:
    return list(islice((name for name in sorted(names) if name.startswith(incomplete)), _MOST))


def _of_deployment(names: "Callable[[Settings], Iterable[str]]") -> list[str]:
    """Of the settings in use; nothing where they or the files can't be read: a shell that completes is no place for an error."""
    with contextlib.suppress(Exception):
        from ats_assets.settings import load_settings  # noqa: PLC0415

        return list(names(load_settings()))
    return []
