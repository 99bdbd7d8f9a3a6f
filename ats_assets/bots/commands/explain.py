"""`/explain` and `/why`: why this target, why this order: the reasons, what each feature added to the score, and the way down to the vendor's delivery."""

from collections.abc import Iterator, Mapping
from typing import Any

from ats_assets.bots.arguments import SYMBOL, Argument
from ats_assets.bots.command import Command, GivenCommand
from ats_assets.bots.figures import amount, as_percent, word
from ats_assets.bots.people import PersonRole
from ats_assets.bots.reply import Reply, said

_FEATURES = 6
"""Of those that contribute to a score, the largest."""


_MANUAL = "manual-"
"""How the ids of people's orders begin; the rest is that of the request."""


async def _run(call: GivenCommand) -> Reply:
    asked = call.arguments["what"]
    order: dict[str, Any] | None = None
    if SYMBOL.fullmatch(asked.upper()) and "-20" not in asked:
        symbol, session = asked.upper(), call.arguments.get("session") or (await call.service.read("signals", limit=1))["session"]
    else:
        told: dict[str, Any] = await call.service.read(f"portfolio/orders/{asked}")
        order, symbol, session = told, told["symbol"], told["session"]
    lines = _of_order(order) if order else []
    if _is_manual(order):
        lines += _of_bars(await call.service.read(f"requests/{asked.removeprefix(_MANUAL)}/lineage"))
    else:
        found = await call.service.read(f"lineage/{symbol}/{session}")
        lines += [*_of_target(found), *_of_score(found.get("score")), *_way_down(found)]
    return said(f"Why {order['client_order_id']}" if order else f"{symbol} at the close of {session}", *lines)


def _is_manual(order: Mapping[str, Any] | None) -> bool:
    return order is not None and str(order["client_order_id"]).startswith(_MANUAL)


def _of_order(order: Mapping[str, Any]) -> list[str]:
    what = f"{order['side']} {amount(order['quantity'], None)} {order['symbol']}, {str(order['kind']).replace('_', ' ')}"
    lines = [f"{what}: {order['state']}" + (f", {order['reason']}" if order.get("reason") else "")]
    if order.get("decision_price"):
        lines.append(f"Decided at {amount(order['decision_price'])}, filled at {amount(order.get('filled_average_price'))}")
    if _is_manual(order):
        lines += [f"{word(one.get('who'))}: {word(one.get('what'))}" for one in order.get("audit", [])[:5]]
    return lines


def _of_bars(found: Mapping[str, Any]) -> list[str]:
    """Of a person's order: no model wanted it, and what it was judged and filled by are bars."""
    lines = []
    for what, bars in [("Judged by", found.get("decided")), *(("Filled by", fill.get("bars")) for fill in found.get("fills", []))]:
        if bars is not None:
            lines += [f"{what} the bars of {bars.get('session')}", *_way_down(bars)]
    return lines


def _of_target(found: Mapping[str, Any]) -> list[str]:
    row = found.get("row") or {}
    lines = [f"Target: {as_percent(row['target_weight'])} of equity"] if row.get("target_weight") is not None else []
    if isinstance(reasons := row.get("reasons"), list):
        lines += [f"- {reason}" for reason in reasons]
    return lines + [f"- {note}" for note in found.get("notes", [])]


def _of_score(score: Mapping[str, Any] | None) -> list[str]:
    if score is None:
        return []
    lines = [f"Score {_number(score['score'])} by {score['model']}, fitted at the close of {score['model_session']}"]
    largest = sorted(score["contributions"], key=lambda one: -abs(one["contribution"]))[:_FEATURES]
    lines += [
        f"  {one['contribution']:+.4f} {one['feature']} = {_number(one['value'])}, above {as_percent(one['percentile'], 0)}"
        for one in largest
    ]
    return lines + ([score["note"]] if score.get("note") else [])


def _way_down(found: Mapping[str, Any]) -> list[str]:
    """Each asset once, as it is met on the way from the target to the deliveries."""
    seen: dict[str, str] = {}
    for one in _each(found):
        spans = one.get("spans") or []
        where = one.get("session") or (f"{spans[0][0]} to {spans[-1][1]}" if spans else "")
        version = str(one.get("data_version") or one.get("digest") or one.get("model_sha256") or "")[:8]
        seen.setdefault(str(one["asset"]), " ".join(filter(None, [str(one["asset"]), str(where), version])))
    return ["Made from:", *(f"  {line}" for line in list(seen.values())[1:13])] if len(seen) > 1 else []


def _each(one: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield one
    for below in one.get("made_from", []):
        yield from _each(below)


def _number(value: object) -> str:
    try:
        return f"{float(str(value)):.4g}"
    except ValueError:
        return word(value)


COMMAND = Command(
    name="explain",
    role=PersonRole.VIEWER,
    help="Why this target, or why this order, down to the data",
    run=_run,
    arguments=(
        Argument(name="what", help="a symbol, or the id of an order as /orders lists them", kind="id"),
        Argument(name="session", help="at whose close; the newest unless told otherwise", kind="day", required=False),
    ),
    aliases={"why": {}},
)
