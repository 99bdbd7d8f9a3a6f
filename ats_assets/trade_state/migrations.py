"""How a database of an older schema becomes one of the next. Each step is written out, since the tables of today are not those that it makes."""

from collections.abc import Callable, Mapping

from sqlalchemy import Connection, inspect, text

Migration = Callable[[Connection], None]

_SETTLED_IN = """
ALTER TABLE fills ADD COLUMN settled_in {key} REFERENCES account_snapshots (id);
ALTER TABLE entries ADD COLUMN settled_in {key} REFERENCES account_snapshots (id);
ALTER TABLE orders ADD COLUMN settled_in {key} REFERENCES account_snapshots (id);
DROP INDEX ix_fills_at;
DROP INDEX ix_fills_baseline_id;
DROP INDEX ix_entries_at;
DROP INDEX ix_entries_baseline_id;
DROP INDEX ix_audit_client_order_id;
CREATE INDEX ix_fills_at_fill_id ON fills (at, fill_id);
CREATE INDEX ix_fills_broker_order_id ON fills (broker_order_id);
CREATE INDEX ix_fills_baseline_id_at ON fills (baseline_id, at);
CREATE INDEX ix_fills_baseline_id_settled_in ON fills (baseline_id, settled_in);
CREATE INDEX ix_fills_unacknowledged ON fills (at) WHERE intent_id IS NULL AND acknowledged_at IS NULL AND baseline_id IS NOT NULL;
CREATE INDEX ix_entries_at_entry_id ON entries (at, entry_id);
CREATE INDEX ix_entries_baseline_id_settled_in ON entries (baseline_id, settled_in);
CREATE INDEX ix_orders_settled_in_submitted_at ON orders (settled_in, submitted_at);
CREATE INDEX ix_audit_client_order_id_at ON audit (client_order_id, at);
CREATE INDEX ix_intents_kind_strategy_symbol_session ON intents (kind, strategy, symbol, session);
"""

_PRICES_MAY_BE_MISSING = {
    "postgresql": """
ALTER TABLE positions ALTER COLUMN cost DROP NOT NULL;
ALTER TABLE positions ALTER COLUMN price DROP NOT NULL;
""",
    # SQLite changes no column: a table with the new ones takes the old one's place.
    "sqlite": """
CREATE TABLE new_positions (
    snapshot_id INTEGER NOT NULL, symbol VARCHAR(32) NOT NULL, quantity VARCHAR(64) NOT NULL, cost VARCHAR(64), price VARCHAR(64),
    CONSTRAINT pk_positions PRIMARY KEY (snapshot_id, symbol),
    CONSTRAINT fk_positions_snapshot_id FOREIGN KEY (snapshot_id) REFERENCES account_snapshots (id)
);
INSERT INTO new_positions SELECT snapshot_id, symbol, quantity, cost, price FROM positions;
DROP TABLE positions;
ALTER TABLE new_positions RENAME TO positions;
""",
}


_INSTRUMENT = """
ALTER TABLE intents ADD COLUMN instrument VARCHAR(96);
CREATE INDEX ix_intents_kind_strategy_instrument_session ON intents (kind, strategy, instrument, session);
"""


_OPTIONS = """
ALTER TABLE intents ADD COLUMN legs VARCHAR(512);
ALTER TABLE intents ADD COLUMN book VARCHAR(64);
ALTER TABLE intents ADD COLUMN rule VARCHAR(64);
ALTER TABLE intents ADD COLUMN place INTEGER;
ALTER TABLE fills ADD COLUMN multiplier VARCHAR(64);
ALTER TABLE positions ADD COLUMN multiplier VARCHAR(64);
"""


def _keep_running_accounts(connection: Connection) -> None:
    """From 1 to 2: what a settled session's running account has is marked; a position may be without a price; what is looked for has an index.

    Nothing is marked yet: the first settlement counts all since the baseline, once.
    """
    dialect = connection.dialect.name
    _run(connection, _SETTLED_IN.format(key="BIGINT" if dialect == "postgresql" else "INTEGER"))
    _run(connection, _PRICES_MAY_BE_MISSING[dialect])
    if inspect(connection).has_table("paper_orders"):
        _run(connection, "CREATE INDEX ix_paper_orders_parent_id ON paper_orders (parent_id)")


def _name_instruments(connection: Connection) -> None:
    """From 2 to 3: an intent says for which instrument it was decided. Those that are there stay as they are, and are found by their symbol as before."""
    _run(connection, _INSTRUMENT)


def _trade_options(connection: Connection) -> None:
    """From 3 to 4: orders may be for option contracts, each for several shares. What is there is for shares, and stays as it is."""
    _run(connection, _OPTIONS)


_PARTS = """
ALTER TABLE intents ADD COLUMN work VARCHAR(2048);
ALTER TABLE intents ADD COLUMN arrival_price VARCHAR(64);
ALTER TABLE intents ADD COLUMN parent VARCHAR(48);
ALTER TABLE intents ADD COLUMN number INTEGER;
ALTER TABLE intents ADD COLUMN expires_at {time};
ALTER TABLE intents ADD COLUMN cancel_asked_at {time};
CREATE UNIQUE INDEX ix_intents_parent_number ON intents (parent, number);
"""


def _work_in_parts(connection: Connection) -> None:
    """From 4 to 5: an order may be worked in parts, each an intent of its own. What is there is sent whole, and stays as it is."""
    _run(connection, _PARTS.format(time="TIMESTAMP" if connection.dialect.name == "postgresql" else "DATETIME"))
    if inspect(connection).has_table("paper_orders"):
        _run(
            connection,
            "ALTER TABLE paper_orders ADD COLUMN decision_price VARCHAR(64); ALTER TABLE paper_orders ADD COLUMN work VARCHAR(2048)",
        )


def _ask_by_requests(_connection: Connection) -> None:
    """From 5 to 6: people ask for halts and orders through a table of its own, which is made with those that are missing.

    The version rises all the same: an older program would trade on past a halt that somebody has asked for, and plan with the shares of people's orders.
    """


def _run(connection: Connection, statements: str) -> None:
    for statement in statements.split(";"):
        if statement.strip():
            connection.execute(text(statement))


MIGRATIONS: Mapping[int, Migration] = {
    1: _keep_running_accounts,
    2: _name_instruments,
    3: _trade_options,
    4: _work_in_parts,
    5: _ask_by_requests,
}
"""By the version that they start from; each makes the next one of it, in the same transaction as all others."""
