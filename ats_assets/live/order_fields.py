"""Orders that are worked, and those sent for parts of them, as fields of the journal, and back."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from ats_assets.algorithms.algorithm import ChildRecord, Increments, Parent
from ats_assets.algorithms.order_words import Leg, OrderKind, OrderStatus, Side


def parent_fields(parent: Parent) -> dict[str, Any]:
    """Of a parent."""
    return asdict(parent) | {"side": parent.side.value, "leg": parent.leg.value}


def parent_from(fields: Mapping[str, Any]) -> Parent:
    """The parent."""
    typed = {"side": Side(fields["side"]), "leg": Leg(fields["leg"]), "increments": Increments(**fields["increments"])}
    return Parent(**(dict(fields) | typed))


def child_fields(child: ChildRecord) -> dict[str, Any]:
    """Of a child."""
    return asdict(child) | {"kind": child.kind.value, "status": child.status.value}


def child_of(fields: Mapping[str, Any]) -> ChildRecord:
    """The child."""
    return ChildRecord(**(dict(fields) | {"kind": OrderKind(fields["kind"]), "status": OrderStatus(fields["status"])}))
