"""`ats restore`: a deployment from a backup, or a trade state as it was before a migration; halted, so that it sends no order by itself."""

import json
import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from ats_assets.backups.places import Places


def restore(  # noqa: PLR0917 - typer calls it by name
    source: Annotated[
        Path,
        typer.Argument(
            metavar="SOURCE", help="A folder of backups; or a trade state of the folder before_migrations, to go back an upgrade."
        ),
    ],
    into: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="An empty folder, which becomes a deployment. Default: the empty folders of the settings in use."),
    ] = None,
    name: Annotated[str | None, typer.Option("--backup", metavar="NAME", help="Which one. Default: the newest.")] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Of a trade state: move the one that is there out of the way.")] = False,
    listed: Annotated[bool, typer.Option("--list", help="Restore nothing: list the backups.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False,
) -> None:
    """Restore a backup into an empty folder, or the trade state into PostgreSQL (DB_CONNECTION_STR). Trading is halted until `ats orders resume`."""
    from ats_assets.backups import backups_in, restore_backup  # noqa: PLC0415
    from ats_assets.errors import BackupError, how_many  # noqa: PLC0415
    from ats_assets.runs.progress import LongJob  # noqa: PLC0415
    from ats_assets.runs.writing import say  # noqa: PLC0415
    from ats_assets.trade_state import CONNECTION_VARIABLE  # noqa: PLC0415

    if source.is_file():
        _trade_state(source, replace=replace)
        return
    if listed:
        _list(source, as_json=as_json)
        return
    chosen = next((manifest for manifest in backups_in(source) if name is None or manifest.name == name), None)
    if chosen is None:
        raise BackupError(
            f"{source} has no backup {name}: ats restore {source} --list" if name else f"{source} has no backup: make one by ats backup"
        )
    named = os.environ.get(CONNECTION_VARIABLE, "").strip()
    with LongJob("ats restore", len(chosen.entries), "files") as job:
        done = restore_backup(
            source,
            chosen,
            lambda data: named or f"sqlite:///{data / 'trade_state.sqlite'}",
            into=into,
            places=None if into else _places(),
            tell=lambda what: say(f"restoring {chosen.name}: {what}"),
            reach=job.reach,
        )
    if as_json:
        plain = {"backup": chosen.name, "settings": str(done.settings_file), "files": done.files, "bytes": done.size}
        sys.stdout.write(json.dumps(plain | {"halted": done.trade_state, "passed_over": done.passed_over}, indent=2) + "\n")
        return
    sys.stdout.write(f"{done.settings_file}\n")
    say(f"{how_many(done.files, 'file')}, {done.size / 1e6:,.1f} MB, each compared with its SHA-256")
    say(f"the settings that it was made with: export ATS_SETTINGS={shlex.quote(str(done.settings_file))}")
    if variables := chosen.facts["environment"]:
        say(f"settings that came from the environment are not in the backup: {', '.join(variables)}")
    if done.trade_state:
        say(
            "trading is halted: look at the account at the broker, then ats orders resume, which reconciles and halts again at any difference"
        )


def _places() -> "Places":
    from ats_assets.backups.places import places_of  # noqa: PLC0415
    from ats_assets.runs.startup import dagster_home  # noqa: PLC0415
    from ats_assets.settings import load_settings, settings_file  # noqa: PLC0415

    return places_of(load_settings(), settings_file(), dagster_home())


def _trade_state(file: Path, *, replace: bool) -> None:
    from ats_assets.backups import restore_trade_state  # noqa: PLC0415
    from ats_assets.runs.writing import say  # noqa: PLC0415
    from ats_assets.settings import load_settings  # noqa: PLC0415
    from ats_assets.trade_state import trade_state_url  # noqa: PLC0415

    reason = f"restored from {file.name}: orders may have been sent since, which these records do not know. Look at the account at the broker, then: ats orders resume"
    moved = restore_trade_state(file, trade_state_url(load_settings()), reason=reason, replace=replace)
    say("the trade state is restored, and trading is halted: look at the account at the broker, then ats orders resume")
    if moved:
        say(f"the one that was there is {moved}")


def _list(folder: Path, *, as_json: bool) -> None:
    from ats_assets.backups import backups_in  # noqa: PLC0415

    rows = [
        {"backup": one.name, "files": len(one.entries), "bytes": one.size, "settled": one.facts["settled"], "schema": one.facts["schema"]}
        for one in backups_in(folder)
    ]
    if as_json:
        sys.stdout.write(json.dumps(rows, indent=2) + "\n")
        return
    for row in rows:
        sys.stdout.write(
            f"{row['backup']}  {row['files']:>9,} files  {row['bytes'] / 1e6:>10,.1f} MB{'' if row['settled'] else '  while runs were writing'}\n"
        )
