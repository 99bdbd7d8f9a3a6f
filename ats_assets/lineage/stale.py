"""What is said of a partition that is not what would be made now."""

from collections.abc import Iterator
from dataclasses import dataclass

from ats_assets.lineage.index import Entry
from ats_assets.lineage.rules import AssetRule
from ats_assets.lineage.wholes import KINDS, Kinds

SHOWN = 3
"""Partitions that a reason names before it counts the others."""


@dataclass(frozen=True, kw_only=True)
class Stale:
    """A partition that is not what would be made now; the session is empty for an asset without partitions."""

    asset: str
    session: str
    reason: str

    def plain(self) -> dict[str, str | None]:
        """As JSON has it."""
        return {"asset": self.asset, "session": self.session or None, "reason": self.reason}


def own_reasons(rule: AssetRule, entry: Entry) -> Iterator[str]:
    """What is not current any more of what made an entry itself: code and settings."""
    if entry.code_version != rule.code_version:
        yield f"code changed ({entry.code_version or 'unknown'} → {rule.code_version})"
    if entry.settings_version != rule.settings_version:
        yield f"settings changed ({entry.settings_version or 'unknown'} → {rule.settings_version})"


def told(asset: str, kinds: Kinds) -> str:
    """Where an upstream asset differs, by kind of difference."""
    said = [f"{_some(kinds[kind])} {kind}" for kind in KINDS if kinds.get(kind)]
    return f"upstream {asset}: {', '.join(said)}"


def _some(keys: list[str]) -> str:
    keys = sorted(keys)
    return " ".join(keys[:SHOWN]) + (f" and {len(keys) - SHOWN} more" if len(keys) > SHOWN else "")
