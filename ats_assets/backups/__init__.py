"""Backups of a deployment, and the way back: `ats backup`, `ats restore`.

| file | |
|---|---|
| `places` | what belongs to a backup, and where it lies |
| `pieces` | contents by their SHA-256, each stored once |
| `manifest` | what a backup consists of |
| `backing_up` | a backup of a deployment that goes on working |
| `putting_back` | a deployment of a backup, halted |
| `trade_state_back` | its trade state, into a file or into PostgreSQL |
"""

from ats_assets.backups.backing_up import MadeBackup, make_backup
from ats_assets.backups.manifest import Manifest, backups_in
from ats_assets.backups.pieces import Pieces
from ats_assets.backups.putting_back import Restored, restore_backup
from ats_assets.backups.trade_state_back import restore_trade_state

__all__ = ["MadeBackup", "Manifest", "Pieces", "Restored", "backups_in", "make_backup", "restore_backup", "restore_trade_state"]
