"""The export that a command is about, and its sessions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from ats_assets.definitions import build
from ats_assets.deployment import Deployment
from ats_assets.errors import MissingPartitionError, SettingsError
from ats_assets.exports.choosing import NamedExport, exported_tables, exports
from ats_assets.exports.exported_partitions import sessions_of_all
from ats_assets.exports.store import ExportedTable
from ats_assets.runs.startup import quiet


@dataclass(frozen=True, kw_only=True)
class ChosenExport:
    """An export, the columns of what it takes, and the sessions that its store is to hold."""

    export: NamedExport
    tables: Sequence[ExportedTable]
    sessions: Sequence[date]


def chosen_export(deployment: Deployment, name: str, first: date | None = None, last: date | None = None) -> ChosenExport:
    """The export of a name.

    Parameters
    ----------
    first, last
        Only the sessions from one to the other.

    Raises
    ------
    SettingsError
        If there is none of that name.
    MissingPartitionError
        If nothing is stored of what it takes.
    """
    known = deployment.of(exports)
    if name not in known:
        there = f"choose one of {', '.join(known)}" if known else 'add a table [exports.redis] with assets = ["predictions"]'
        raise SettingsError(f"{name!r} is no export of the settings: {there}")
    with quiet():
        build(deployment)  # the contracts of all assets
    one = known[name]
    stored = sessions_of_all(deployment, one.assets)
    if not stored:
        raise MissingPartitionError(f"no session has all of {', '.join(one.assets)}: make them with ats run")
    sessions = [day for day in one.store.kept(stored) if (first or date.min) <= day <= (last or date.max)]
    return ChosenExport(export=one, tables=exported_tables(deployment, one), sessions=sessions)
