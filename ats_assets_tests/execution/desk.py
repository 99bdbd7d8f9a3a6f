"""A desk at the exchange in memory, and people who ask it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from ats_assets.execution.executor import Executor
from ats_assets.execution.manual_orders import DeskMarket
from ats_assets.execution.request_desk import RequestDesk
from ats_assets.promotions import PromotionDecision, PromotionJournal
from ats_assets.requests import Asker, OrderOfRequest, Request, confirm_request, load_request, make_request, order_of_request
from ats_assets.settings import RequestsSettings
from ats_assets.trade_state import TradeState
from ats_assets_tests.execution.exchange import SESSION, Bench, ExchangeBroker, PointedState, Points

ROOT = Asker(key="root", role="admin")
BUY = {"symbol": "AAA", "side": "buy", "quantity": "10"}
SELL = BUY | {"side": "sell"}
MARKET = DeskMarket(session=lambda _: SESSION, price=lambda symbol, _: None if symbol == "ZZZ" else Decimal("9.90"))


@dataclass
class Office:
    """The desk's surroundings: an exchange, a trade state, and the journal of promotions."""

    bench: Bench
    folder: Path
    settings: RequestsSettings = field(default_factory=RequestsSettings)
    market: DeskMarket = MARKET

    @property
    def journal(self) -> PromotionJournal:
        return PromotionJournal(self.folder, fsync=False)

    def ask(self, kind: str = "place_order", body: Mapping[str, Any] = BUY, *, confirm: bool = True, key: str | None = None) -> Request:
        self.bench.exchange.clock.sleep(0.001)
        now = self.bench.exchange.clock.now()
        with TradeState(self.bench.url) as state, state.begin() as connection:
            asked = make_request(connection, now, ROOT, kind, body, settings=self.settings, idempotency_key=key)
            if asked.nonce is None or not confirm:
                return asked.request
            return confirm_request(connection, now, ROOT, asked.request.id, asked.nonce, settings=self.settings)

    def desk(self, executor: Executor, state: TradeState) -> RequestDesk:
        return RequestDesk(
            executor=executor,
            state=state,
            settings=self.settings,
            market=self.market,
            promote=self.promote,
            clock=self.bench.exchange.clock,
        )

    @contextmanager
    def open(self, points: Points | None = None, broker: ExchangeBroker | None = None) -> Iterator[RequestDesk]:
        broker = broker or self.bench.broker
        broker.points = points or Points()
        with PointedState(self.bench.url, points) as state:
            yield self.desk(self.bench.made(state, broker), state)

    def look(self, points: Points | None = None) -> int:
        with self.open(points) as desk:
            return desk.look()

    def promote(self, request: Request, known_at: datetime) -> dict[str, Any]:
        """As a deployment does, into a journal of its own; a rollback would go back once more if it were decided again."""
        known = next((one for one in self.journal.decisions() if (one.who, one.known_at) == (request.who, known_at)), None)
        back = ["first", *(one.model for one in self.journal.decisions())][-2:]
        model = request.body.get("model") or back[0]
        made = known or PromotionDecision(
            action="promote" if "model" in request.body else "rollback",
            model=model,
            who=request.who,
            reason=request.body["reason"],
            known_at=known_at,
        )
        self.bench.broker.points.pass_by("before journal")
        self.journal.add(made)
        self.bench.broker.points.pass_by("after journal")
        return {"model": made.model}

    def known(self, request: Request) -> Request:
        with TradeState(self.bench.url) as state, state.begin() as connection:
            return load_request(connection, request.id)

    def order(self, request: Request) -> OrderOfRequest | None:
        with TradeState(self.bench.url) as state, state.begin() as connection:
            return order_of_request(connection, request)
