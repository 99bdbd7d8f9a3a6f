"""A day of the session loop as a page: minute by minute what the stream told, what was taken of it, what was decided, and what came of the orders; and what is decided again of the store."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime

import polars as pl

from ats_assets.algorithms.algorithm import filled
from ats_assets.algorithms.order_words import OrderStatus
from ats_assets.errors import how_many
from ats_assets.live.as_decided import Compared
from ats_assets.live.intake import Intake
from ats_assets.live.monitors import Watched, held_frame, performance_frame, worked_frame
from ats_assets.live.session_journal import DecidedRow, Heard
from ats_assets.live.step import What
from ats_assets.live.stream import EventKind
from ats_assets.reports.formatting import DASH, decimal, percent
from ats_assets.reports.page import page
from ats_assets.reports.page_blocks import Block, Callout, Cards, Headline, Note, Table
from ats_assets.reports.report_content import Part, ReportContent

_LAYERS = ("stream", "intake", "decisions", "broker")
Layers = tuple[list[str], list[str], list[str], list[str]]
_NAMED = 40
LAYERS = (
    "The minutes in which more happened than bars and waiting, a row for each layer. Stream: the connection, halts, and what came late or twice. Intake: what was refused, and why. "
    "Decisions: of algorithms and of the risk, each written down before anything was done. Broker: where the orders stood, and what stopped them."
)


def live_day_report(watched: Watched, compared: Compared) -> str:
    """The page as HTML.

    Parameters
    ----------
    watched
        The session as its journal has it.
    compared
        Its decisions reproduced from the store.
    """
    state = watched.state
    parts = [
        Part(name="overview", title="Overview", short="Overview", blocks=[*_verdict(compared), _cards(watched)]),
        Part(name="minutes", title="Minute by minute", short="Minutes", blocks=[Note(text=LAYERS), _minutes(watched)]),
        Part(name="orders", title="Orders", short="Orders", blocks=[_orders(watched), _children(watched)]),
        Part(name="positions", title="Positions", short="Positions", blocks=[_positions(watched)]),
        Part(name="again", title="Decided again", short="Again", blocks=_again(compared)),
    ]
    content = ReportContent(
        parts=parts,
        title="Inside the session",
        subtitle=f"{watched.session}, {how_many(len(watched.heard), 'event')} in the journal, {how_many(len(watched.decided), 'decision')}; times are UTC",
        footer=f"From the journal of the session loop. Open {state.opens_at:%H:%M}, close {state.closes_at:%H:%M}.",
    )
    return page(content)


def _verdict(compared: Compared) -> list[Block]:
    wrong = compared.differences.height
    tone = "loss" if wrong else "gain"
    told = [Callout(text=f"{compared.summary}.", detail="The check as_decided, from stored minute bars and quotes.", tone=tone)]
    if compared.missing:
        names = ", ".join(compared.missing[:_NAMED])
        told.append(Callout(text=f"Bars that are stored and were never heard: {names}.", tone="warn"))
    return [*told]


def _cards(watched: Watched) -> Cards:
    what = Counter(one.decision.what for one in watched.decided)
    lost = sum(one.event.kind is EventKind.LOST for one in watched.heard)
    refused = sum(Intake(one.verdict).refused for one in watched.heard)
    made = performance_frame(watched)
    profit = made["profit"][-1] if made.height else None
    breach = watched.state.breached
    return Cards(
        headlines=[
            Headline(name="orders sent", value=str(what[What.SEND]), note=f"{what[What.CANCEL]} cancelled"),
            Headline(name="events refused", value=str(refused), note="back in time, or no market's"),
            Headline(name="stream lost", value=str(lost), note="times"),
            Headline(name="profit", value=DASH if profit is None else f"{profit:+,.2f}", note="since the close before", tone=_tone(profit)),
            Headline(name="breach", value="yes" if breach else "none", note=breach or "of limits", tone="loss" if breach else ""),
        ]
    )


def _tone(value: float | None) -> str:
    return "" if not value else "gain" if value > 0 else "loss"


def _minutes(watched: Watched) -> Table:
    layers: dict[datetime, Layers] = {}

    def of(at: datetime) -> Layers:
        return layers.setdefault(at.replace(second=0, microsecond=0), ([], [], [], []))

    for one in watched.heard:
        _heard(one, of)
    for row in watched.decided:
        if row.decision.what not in (What.KEEP, What.WAIT):
            of(row.at)[2].append(_decided(row))
    rows = []
    for at in sorted(layers):
        told = [(layer, _joined(texts)) for layer, texts in zip(_LAYERS, layers[at], strict=True) if texts]
        rows += [("" if i else f"{at:%H:%M}", layer, text) for i, (layer, text) in enumerate(told)]
    return Table(columns=("minute", "layer", "what it did"), rows=rows, text_columns=3, wide=-1)


def _heard(one: Heard, found: Callable[[datetime], Layers]) -> None:
    event = one.event
    if event.kind in (EventKind.LOST, EventKind.RESUMED):
        found(event.known_at)[0].append(f"{event.kind.value}{f': {one.reason}' if one.reason else ''}")
    elif event.kind is EventKind.STATUS:
        found(event.known_at)[0].append(f"{event.symbol} {'halted' if event.fields['halted'] else 'traded again'}")
    elif event.kind is EventKind.BAR and (event.fields.get("repaired") or one.verdict in (Intake.LATE, Intake.REVISED)):
        found(event.known_at)[0].append(f"{'repaired' if event.fields.get('repaired') else one.verdict.value} bar of {event.symbol}")
    elif event.kind is EventKind.STOP:
        found(event.known_at)[3].append(str(event.fields["reason"] or "orders may be sent again"))
    elif event.kind is EventKind.ORDER:
        child = event.fields["child"]
        at = f" at {child['average_price']:f}" if child["average_price"] is not None else ""
        found(event.known_at)[3].append(f"{child['client_order_id']} {child['status']}, {child['filled']:f} of {child['quantity']:f}{at}")
    if Intake(one.verdict).refused:
        found(event.known_at)[1].append(one.reason)


def _decided(row: DecidedRow) -> str:
    made, fields = row.decision, row.decision.fields
    if made.what is What.SEND:
        limit = fields["limit_price"]
        return f"send {fields['quantity']:f} {made.symbol} {'at the market' if limit is None else f'at {limit:f}'} ({made.reason})"
    return f"{made.what.value} {made.symbol or made.subject}: {made.reason}"


def _joined(texts: Sequence[str]) -> str:
    counted = Counter(texts)
    return "; ".join(f"{text} (x{count})" if count > 1 else text for text, count in counted.items())


def _orders(watched: Watched) -> Table:
    rows = [
        (name, symbol, side, f"{quantity:,.0f}", f"{done:,.0f}", f"{left:,.0f}", str(count), _number(average), says or DASH)
        for name, symbol, side, quantity, done, left, count, average, says in worked_frame(watched).iter_rows()
    ]
    columns = ("order", "symbol", "side", "quantity", "filled", "open", "orders sent", "average price", "last said")
    return Table(columns=columns, rows=rows, text_columns=3, wide=-1)


def _children(watched: Watched) -> Table:
    rows = []
    for parent in watched.state.parents:
        for child in watched.state.children_of(parent):
            limit = DASH if child.limit_price is None else f"{child.limit_price:f}"
            status = "partly filled" if child.status.final and 0 < child.filled < child.quantity else OrderStatus(child.status).value
            rows.append(
                (
                    child.client_order_id,
                    f"{child.sent_at:%H:%M:%S}",
                    child.kind.value,
                    status,
                    f"{child.quantity:f}",
                    limit,
                    f"{child.filled:f}",
                )
            )
        assert filled(watched.state.children_of(parent)) <= parent.quantity, "no more is traded than was decided"
    return Table(columns=("order for a part", "sent", "kind", "status", "quantity", "limit", "filled"), rows=rows, text_columns=4)


def _positions(watched: Watched) -> Table:
    rows = [
        (symbol, f"{shares:,.0f}", _number(price), _number(value), DASH if weight is None else percent(weight), _number(profit))
        for _, symbol, _, shares, price, value, weight, profit in held_frame(watched).iter_rows()
    ]
    return Table(columns=("symbol", "shares", "price", "value", "weight", "profit"), rows=rows)


def _number(value: float | None) -> str:
    return DASH if value is None else decimal(value, 2)


def _again(compared: Compared) -> list[Block]:
    counts = compared.rows.group_by("verdict").len().sort("verdict")
    blocks: list[Block] = [Table(columns=("verdict", "decisions"), rows=[(name, str(n)) for name, n in counts.iter_rows()])]
    odd = compared.rows.filter((pl.col("verdict") != "same") | pl.col("late").is_not_null()).head(_NAMED)
    rows = [
        (
            f"{at:%H:%M:%S}",
            what,
            symbol or DASH,
            verdict,
            late or DASH,
            DASH if known is None else f"{known:%H:%M:%S}",
            again or restated or DASH,
        )
        for _, at, what, _, symbol, _, again, verdict, restated, late, known in odd.iter_rows()
    ]
    if rows:
        columns = ("decided", "what", "symbol", "verdict", "not known by then", "known at", "otherwise")
        blocks += [
            Note(text=f"Decisions that data would have met which came later; the first {_NAMED}. They were right by what was known."),
            Table(columns=columns, rows=rows, text_columns=7, wide=-1),
        ]
    return blocks
