"""`ats backup`: a backup of the deployment, made while it goes on working."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer


def backup(
    folder: Annotated[Path, typer.Argument(metavar="DEST", help="The folder of the backups, on another disk.")],
    keep: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Keep the newest N backups, and forget older ones. Default: keep all.")
    ] = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="Make none: compare every byte of the backups that are there with its SHA-256.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False,
) -> None:
    """Back up warehouse, models, trade state, Dagster's storage and settings while everything goes on working; only what has changed is stored again."""
    from ats_assets.backups import make_backup  # noqa: PLC0415
    from ats_assets.backups.places import places_of  # noqa: PLC0415
    from ats_assets.errors import how_many  # noqa: PLC0415
    from ats_assets.runs.progress import LongJob  # noqa: PLC0415
    from ats_assets.runs.startup import dagster_home  # noqa: PLC0415
    from ats_assets.runs.writing import say  # noqa: PLC0415
    from ats_assets.settings import load_settings, settings_file  # noqa: PLC0415
    from ats_assets.trade_state import trade_state_url  # noqa: PLC0415

    if verify:
        _verify(folder, as_json=as_json)
        return
    settings = load_settings()
    places = places_of(settings, settings_file(), dagster_home())
    with LongJob("ats backup", 0, "files") as job:
        made = make_backup(
            places, trade_state_url(settings), folder, keep=keep, tell=lambda what: say(f"backing up: {what}"), reach=job.reach
        )
    manifest = made.manifest
    if as_json:
        plain = {"backup": manifest.name, "files": len(manifest.entries), "bytes": manifest.size, "files_read": made.files_read}
        plain |= {"stored_bytes": made.stored_bytes, "freed_bytes": made.freed_bytes, "settled": manifest.facts["settled"]}
        sys.stdout.write(json.dumps(plain | {"left_out": manifest.facts["left_out"]}, indent=2) + "\n")
        return
    sys.stdout.write(f"{manifest.name}\n")
    say(
        f"{how_many(len(manifest.entries), 'file')}, {manifest.size / 1e6:,.1f} MB; new or changed: {made.files_read:,}, {made.stored_bytes / 1e6:,.1f} MB stored"
        + (f", {made.freed_bytes / 1e6:,.1f} MB of older backups freed" if keep else "")
    )
    if not manifest.facts["settled"]:
        say("runs were writing all the while: after a restoration `ats stale --heal` rebuilds what was made of others than lie beside it")
    for path, why in manifest.facts["left_out"].items():
        say(f"left out: {path}: {why}")


def _verify(folder: Path, *, as_json: bool) -> None:
    """Status 1 if a piece of any backup is missing or damaged."""
    from ats_assets.backups import Pieces, backups_in  # noqa: PLC0415
    from ats_assets.errors import how_many  # noqa: PLC0415
    from ats_assets.runs.progress import LongJob  # noqa: PLC0415
    from ats_assets.runs.writing import say  # noqa: PLC0415

    backups = list(backups_in(folder))
    needed = {name for manifest in backups for name in manifest.pieces}
    with LongJob("ats backup --verify", len(needed), "pieces") as job:
        faults = Pieces(folder).faults(needed, job.reach)
    broken = {path.name for path in faults}
    unusable = [manifest.name for manifest in backups if broken & manifest.pieces]
    if as_json:
        plain = {
            "backups": [manifest.name for manifest in backups],
            "pieces": len(needed),
            "damaged": list(map(str, faults)),
            "unusable": unusable,
        }
        sys.stdout.write(json.dumps(plain, indent=2) + "\n")
    else:
        sys.stdout.write(f"{how_many(len(backups), 'backup')}, {how_many(len(needed), 'piece')}: {len(faults)} missing or damaged\n")
        for path in faults:
            sys.stdout.write(f"{path}\n")
        if unusable:
            say(f"can't be restored whole: {', '.join(unusable)}. The next backup stores what is still there anew")
    if faults:
        raise typer.Exit(1)
