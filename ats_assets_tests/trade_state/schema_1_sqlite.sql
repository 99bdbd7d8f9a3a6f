CREATE TABLE account_snapshots (
    id INTEGER NOT NULL,
    kind VARCHAR(16) NOT NULL,
    session DATE,
    broker VARCHAR(16) NOT NULL,
    account_id VARCHAR(64) NOT NULL,
    at DATETIME NOT NULL,
    cash VARCHAR(64) NOT NULL,
    equity VARCHAR(64) NOT NULL,
    buying_power VARCHAR(64) NOT NULL,
    trading_blocked BOOLEAN NOT NULL,
    CONSTRAINT pk_account_snapshots PRIMARY KEY (id)
);
CREATE INDEX ix_account_snapshots_kind_session ON account_snapshots (kind, session);
CREATE TABLE audit (
    id INTEGER NOT NULL,
    at DATETIME NOT NULL,
    who VARCHAR(128) NOT NULL,
    what VARCHAR(48) NOT NULL,
    client_order_id VARCHAR(128),
    details JSON NOT NULL,
    CONSTRAINT pk_audit PRIMARY KEY (id)
);
CREATE INDEX ix_audit_client_order_id ON audit (client_order_id);
CREATE TABLE halts (
    id INTEGER NOT NULL,
    at DATETIME NOT NULL,
    reason TEXT NOT NULL,
    cleared_at DATETIME,
    cleared_by VARCHAR(64),
    note TEXT,
    CONSTRAINT pk_halts PRIMARY KEY (id)
);
CREATE TABLE intents (
    client_order_id VARCHAR(48) NOT NULL,
    session DATE NOT NULL,
    strategy VARCHAR(16) NOT NULL,
    symbol VARCHAR(32) NOT NULL,
    side VARCHAR(8) NOT NULL,
    leg VARCHAR(8) NOT NULL,
    quantity VARCHAR(64) NOT NULL,
    kind VARCHAR(16) NOT NULL,
    decision_price VARCHAR(64) NOT NULL,
    limit_price VARCHAR(64),
    take_profit VARCHAR(64),
    stop_loss VARCHAR(64),
    state VARCHAR(16) NOT NULL,
    reason TEXT,
    attempts INTEGER NOT NULL,
    token BIGINT,
    planned_at DATETIME NOT NULL,
    sending_at DATETIME,
    updated_at DATETIME NOT NULL,
    CONSTRAINT pk_intents PRIMARY KEY (client_order_id)
);
CREATE INDEX ix_intents_session_strategy ON intents (session, strategy);
CREATE INDEX ix_intents_state ON intents (state);
CREATE TABLE leases (
    name VARCHAR(32) NOT NULL,
    holder VARCHAR(128),
    token BIGINT NOT NULL,
    expires_at DATETIME NOT NULL,
    CONSTRAINT pk_leases PRIMARY KEY (name)
);
CREATE TABLE paper_accounts (
    account VARCHAR(16) NOT NULL,
    opened DATE NOT NULL,
    settled DATE NOT NULL,
    cash_cents BIGINT NOT NULL,
    CONSTRAINT pk_paper_accounts PRIMARY KEY (account)
);
CREATE TABLE paper_entries (
    entry_id VARCHAR(80) NOT NULL,
    account VARCHAR(16) NOT NULL,
    session DATE NOT NULL,
    kind VARCHAR(20) NOT NULL,
    symbol VARCHAR(32) NOT NULL,
    quantity VARCHAR(64) NOT NULL,
    cash_cents BIGINT NOT NULL,
    at DATETIME NOT NULL,
    description TEXT NOT NULL,
    CONSTRAINT pk_paper_entries PRIMARY KEY (entry_id)
);
CREATE INDEX ix_paper_entries_account_at ON paper_entries (account, at);
CREATE TABLE paper_fills (
    fill_id VARCHAR(80) NOT NULL,
    account VARCHAR(16) NOT NULL,
    sequence INTEGER NOT NULL,
    session DATE NOT NULL,
    broker_order_id VARCHAR(64) NOT NULL,
    client_order_id VARCHAR(64) NOT NULL,
    symbol VARCHAR(32) NOT NULL,
    side VARCHAR(8) NOT NULL,
    quantity VARCHAR(64) NOT NULL,
    price VARCHAR(64) NOT NULL,
    fees VARCHAR(64) NOT NULL,
    at DATETIME NOT NULL,
    CONSTRAINT pk_paper_fills PRIMARY KEY (fill_id)
);
CREATE INDEX ix_paper_fills_account_at ON paper_fills (account, at);
CREATE TABLE paper_holdings (
    account VARCHAR(16) NOT NULL,
    symbol VARCHAR(32) NOT NULL,
    shares VARCHAR(64) NOT NULL,
    basis_cents BIGINT NOT NULL,
    last_close VARCHAR(64) NOT NULL,
    missing_sessions INTEGER NOT NULL,
    CONSTRAINT pk_paper_holdings PRIMARY KEY (account, symbol)
);
CREATE TABLE paper_orders (
    broker_order_id VARCHAR(64) NOT NULL,
    account VARCHAR(16) NOT NULL,
    client_order_id VARCHAR(64) NOT NULL,
    session DATE NOT NULL,
    symbol VARCHAR(32) NOT NULL,
    side VARCHAR(8) NOT NULL,
    leg VARCHAR(8) NOT NULL,
    quantity VARCHAR(64) NOT NULL,
    kind VARCHAR(16) NOT NULL,
    limit_price VARCHAR(64),
    take_profit VARCHAR(64),
    stop_loss VARCHAR(64),
    parent_id VARCHAR(64),
    status VARCHAR(20) NOT NULL,
    filled_quantity VARCHAR(64) NOT NULL,
    filled_average_price VARCHAR(64),
    submitted_at DATETIME NOT NULL,
    updated_at DATETIME NOT NULL,
    reason TEXT,
    CONSTRAINT pk_paper_orders PRIMARY KEY (broker_order_id),
    CONSTRAINT uq_paper_orders_client_order_id UNIQUE (client_order_id)
);
CREATE INDEX ix_paper_orders_account_status ON paper_orders (account, status);
CREATE TABLE schema_version (
    version INTEGER NOT NULL,
    CONSTRAINT pk_schema_version PRIMARY KEY (version)
);
CREATE TABLE entries (
    entry_id VARCHAR(128) NOT NULL,
    baseline_id INTEGER,
    kind VARCHAR(16) NOT NULL,
    symbol VARCHAR(32),
    quantity VARCHAR(64) NOT NULL,
    cash VARCHAR(64) NOT NULL,
    at DATETIME NOT NULL,
    description TEXT NOT NULL,
    recorded_at DATETIME NOT NULL,
    CONSTRAINT pk_entries PRIMARY KEY (entry_id),
    CONSTRAINT fk_entries_baseline_id FOREIGN KEY(baseline_id) REFERENCES account_snapshots (id)
);
CREATE INDEX ix_entries_at ON entries (at);
CREATE INDEX ix_entries_baseline_id ON entries (baseline_id);
CREATE TABLE fills (
    fill_id VARCHAR(128) NOT NULL,
    broker_order_id VARCHAR(64) NOT NULL,
    client_order_id VARCHAR(128) NOT NULL,
    intent_id VARCHAR(48),
    baseline_id INTEGER,
    symbol VARCHAR(32) NOT NULL,
    side VARCHAR(8) NOT NULL,
    quantity VARCHAR(64) NOT NULL,
    price VARCHAR(64) NOT NULL,
    fees VARCHAR(64) NOT NULL,
    at DATETIME NOT NULL,
    recorded_at DATETIME NOT NULL,
    acknowledged_at DATETIME,
    CONSTRAINT pk_fills PRIMARY KEY (fill_id),
    CONSTRAINT fk_fills_intent_id FOREIGN KEY(intent_id) REFERENCES intents (client_order_id),
    CONSTRAINT fk_fills_baseline_id FOREIGN KEY(baseline_id) REFERENCES account_snapshots (id)
);
CREATE INDEX ix_fills_at ON fills (at);
CREATE INDEX ix_fills_baseline_id ON fills (baseline_id);
CREATE INDEX ix_fills_intent_id ON fills (intent_id);
CREATE TABLE orders (
    broker_order_id VARCHAR(64) NOT NULL,
    client_order_id VARCHAR(128) NOT NULL,
    intent_id VARCHAR(48) NOT NULL,
    symbol VARCHAR(32) NOT NULL,
    side VARCHAR(8) NOT NULL,
    quantity VARCHAR(64) NOT NULL,
    status VARCHAR(20) NOT NULL,
    filled_quantity VARCHAR(64) NOT NULL,
    filled_average_price VARCHAR(64),
    submitted_at DATETIME NOT NULL,
    updated_at DATETIME NOT NULL,
    reason TEXT,
    CONSTRAINT pk_orders PRIMARY KEY (broker_order_id),
    CONSTRAINT fk_orders_intent_id FOREIGN KEY(intent_id) REFERENCES intents (client_order_id)
);
CREATE INDEX ix_orders_intent_id ON orders (intent_id);
CREATE INDEX ix_orders_status ON orders (status);
CREATE TABLE positions (
    snapshot_id INTEGER NOT NULL,
    symbol VARCHAR(32) NOT NULL,
    quantity VARCHAR(64) NOT NULL,
    cost VARCHAR(64) NOT NULL,
    price VARCHAR(64) NOT NULL,
    CONSTRAINT pk_positions PRIMARY KEY (snapshot_id, symbol),
    CONSTRAINT fk_positions_snapshot_id FOREIGN KEY(snapshot_id) REFERENCES account_snapshots (id)
);
INSERT INTO schema_version (version) VALUES (1);
