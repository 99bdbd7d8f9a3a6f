BEGIN TRANSACTION;
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
INSERT INTO "account_snapshots" VALUES(1,'baseline',NULL,'paper','paper-main','2021-03-24 20:00:00.000000','1000000.00','1000000.00','2000000.00',0);
INSERT INTO "account_snapshots" VALUES(2,'session','2021-03-24','paper','paper-main','2021-03-24 20:00:00.000000','1000000.00','1000000.00','2000000.00',0);
INSERT INTO "account_snapshots" VALUES(3,'session','2021-03-25','paper','paper-main','2021-03-25 20:00:00.000000','500386.33','1008698.45','2017396.90',0);
CREATE TABLE audit (
	id INTEGER NOT NULL, 
	at DATETIME NOT NULL, 
	who VARCHAR(128) NOT NULL, 
	what VARCHAR(48) NOT NULL, 
	client_order_id VARCHAR(128), 
	details JSON NOT NULL, 
	CONSTRAINT pk_audit PRIMARY KEY (id)
);
INSERT INTO "audit" VALUES(1,'2026-11-30 04:31:22.377800','vm:13031:278594:533eff3ad867','baseline',NULL,'{"account": "paper-main", "cash": "1000000.00", "positions": 0}');
INSERT INTO "audit" VALUES(2,'2026-11-30 04:31:22.505826','vm:13031:278594:533eff3ad867','settled',NULL,'{"session": "2021-03-24", "equity": "1000000.00", "rounded": "0.00"}');
INSERT INTO "audit" VALUES(3,'2026-11-30 04:31:25.691986','vm:13031:278594:1648d7d50eba','planned','main-20210324-SYN0000-open','{"session": "2021-03-24", "strategy": "main", "symbol": "SYN0000", "side": "buy", "leg": "open", "quantity": "631.0", "kind": "market_on_open", "decision_price": "158.27", "limit_price": null, "take_profit": null, "stop_loss": null, "instrument": "synthetic:SYN0000"}');
INSERT INTO "audit" VALUES(4,'2026-11-30 04:31:25.691986','vm:13031:278594:1648d7d50eba','planned','main-20210324-SYN0001-open','{"session": "2021-03-24", "strategy": "main", "symbol": "SYN0001", "side": "buy", "leg": "open", "quantity": "5630.0", "kind": "market_on_open", "decision_price": "29.6", "limit_price": null, "take_profit": null, "stop_loss": null, "instrument": "synthetic:SYN0001"}');
INSERT INTO "audit" VALUES(5,'2026-11-30 04:31:25.691986','vm:13031:278594:1648d7d50eba','planned','main-20210324-SYN0003-open','{"session": "2021-03-24", "strategy": "main", "symbol": "SYN0003", "side": "buy", "leg": "open", "quantity": "1601.0", "kind": "market_on_open", "decision_price": "41.63", "limit_price": null, "take_profit": null, "stop_loss": null, "instrument": "synthetic:SYN0003"}');
INSERT INTO "audit" VALUES(6,'2026-11-30 04:31:25.691986','vm:13031:278594:1648d7d50eba','planned','main-20210324-SYN0006-open','{"session": "2021-03-24", "strategy": "main", "symbol": "SYN0006", "side": "buy", "leg": "open", "quantity": "274.0", "kind": "market_on_open", "decision_price": "121.3", "limit_price": null, "take_profit": null, "stop_loss": null, "instrument": "synthetic:SYN0006"}');
INSERT INTO "audit" VALUES(7,'2026-11-30 04:31:25.691986','vm:13031:278594:1648d7d50eba','planned','main-20210324-SYN0008-open','{"session": "2021-03-24", "strategy": "main", "symbol": "SYN0008", "side": "buy", "leg": "open", "quantity": "3782.0", "kind": "market_on_open", "decision_price": "26.44", "limit_price": null, "take_profit": null, "stop_loss": null, "instrument": "synthetic:SYN0008"}');
INSERT INTO "audit" VALUES(8,'2026-11-30 04:31:25.691986','vm:13031:278594:1648d7d50eba','planned','main-20210324-SYN0009-open','{"session": "2021-03-24", "strategy": "main", "symbol": "SYN0009", "side": "buy", "leg": "open", "quantity": "531.0", "kind": "market_on_open", "decision_price": "62.71", "limit_price": null, "take_profit": null, "stop_loss": null, "instrument": "synthetic:SYN0009"}');
INSERT INTO "audit" VALUES(9,'2026-11-30 04:31:25.909399','vm:13031:278594:1648d7d50eba','sending','main-20210324-SYN0000-open','{"attempt": 1, "token": 3}');
INSERT INTO "audit" VALUES(10,'2026-11-30 04:31:25.986319','vm:13031:278594:1648d7d50eba','accepted','main-20210324-SYN0000-open','{"status": "accepted", "order": "paper-main-20210324-SYN0000-open", "filled": "0", "reason": null}');
INSERT INTO "audit" VALUES(11,'2026-11-30 04:31:26.018339','vm:13031:278594:1648d7d50eba','sending','main-20210324-SYN0001-open','{"attempt": 1, "token": 3}');
INSERT INTO "audit" VALUES(12,'2026-11-30 04:31:26.049933','vm:13031:278594:1648d7d50eba','accepted','main-20210324-SYN0001-open','{"status": "accepted", "order": "paper-main-20210324-SYN0001-open", "filled": "0", "reason": null}');
INSERT INTO "audit" VALUES(13,'2026-11-30 04:31:26.076923','vm:13031:278594:1648d7d50eba','sending','main-20210324-SYN0003-open','{"attempt": 1, "token": 3}');
INSERT INTO "audit" VALUES(14,'2026-11-30 04:31:26.115463','vm:13031:278594:1648d7d50eba','accepted','main-20210324-SYN0003-open','{"status": "accepted", "order": "paper-main-20210324-SYN0003-open", "filled": "0", "reason": null}');
INSERT INTO "audit" VALUES(15,'2026-11-30 04:31:26.140948','vm:13031:278594:1648d7d50eba','sending','main-20210324-SYN0006-open','{"attempt": 1, "token": 3}');
INSERT INTO "audit" VALUES(16,'2026-11-30 04:31:26.171148','vm:13031:278594:1648d7d50eba','accepted','main-20210324-SYN0006-open','{"status": "accepted", "order": "paper-main-20210324-SYN0006-open", "filled": "0", "reason": null}');
INSERT INTO "audit" VALUES(17,'2026-11-30 04:31:26.192924','vm:13031:278594:1648d7d50eba','sending','main-20210324-SYN0008-open','{"attempt": 1, "token": 3}');
INSERT INTO "audit" VALUES(18,'2026-11-30 04:31:26.226322','vm:13031:278594:1648d7d50eba','accepted','main-20210324-SYN0008-open','{"status": "accepted", "order": "paper-main-20210324-SYN0008-open", "filled": "0", "reason": null}');
INSERT INTO "audit" VALUES(19,'2026-11-30 04:31:26.250407','vm:13031:278594:1648d7d50eba','sending','main-20210324-SYN0009-open','{"attempt": 1, "token": 3}');
INSERT INTO "audit" VALUES(20,'2026-11-30 04:31:26.295062','vm:13031:278594:1648d7d50eba','accepted','main-20210324-SYN0009-open','{"status": "accepted", "order": "paper-main-20210324-SYN0009-open", "filled": "0", "reason": null}');
INSERT INTO "audit" VALUES(21,'2026-11-30 04:31:27.864088','vm:13031:278594:37185866d112','filled','main-20210324-SYN0000-open','{"status": "filled", "order": "paper-main-20210324-SYN0000-open", "filled": "631.0", "reason": null}');
INSERT INTO "audit" VALUES(22,'2026-11-30 04:31:27.930847','vm:13031:278594:37185866d112','filled','main-20210324-SYN0001-open','{"status": "filled", "order": "paper-main-20210324-SYN0001-open", "filled": "5630.0", "reason": null}');
INSERT INTO "audit" VALUES(23,'2026-11-30 04:31:27.947309','vm:13031:278594:37185866d112','filled','main-20210324-SYN0003-open','{"status": "filled", "order": "paper-main-20210324-SYN0003-open", "filled": "1601.0", "reason": null}');
INSERT INTO "audit" VALUES(24,'2026-11-30 04:31:27.979808','vm:13031:278594:37185866d112','filled','main-20210324-SYN0006-open','{"status": "filled", "order": "paper-main-20210324-SYN0006-open", "filled": "274.0", "reason": null}');
INSERT INTO "audit" VALUES(25,'2026-11-30 04:31:27.995849','vm:13031:278594:37185866d112','filled','main-20210324-SYN0008-open','{"status": "filled", "order": "paper-main-20210324-SYN0008-open", "filled": "3782.0", "reason": null}');
INSERT INTO "audit" VALUES(26,'2026-11-30 04:31:28.007032','vm:13031:278594:37185866d112','filled','main-20210324-SYN0009-open','{"status": "filled", "order": "paper-main-20210324-SYN0009-open", "filled": "531.0", "reason": null}');
INSERT INTO "audit" VALUES(27,'2026-11-30 04:31:28.087127','vm:13031:278594:37185866d112','fill','main-20210324-SYN0000-open','{"fill": "paper-main-20210324-SYN0000-open-20210325-0", "symbol": "SYN0000", "side": "buy", "quantity": "631.0", "price": "157.9031378763866878"}');
INSERT INTO "audit" VALUES(28,'2026-11-30 04:31:28.087127','vm:13031:278594:37185866d112','fill','main-20210324-SYN0001-open','{"fill": "paper-main-20210324-SYN0001-open-20210325-1", "symbol": "SYN0001", "side": "buy", "quantity": "5630.0", "price": "29.5118010657193606"}');
INSERT INTO "audit" VALUES(29,'2026-11-30 04:31:28.087127','vm:13031:278594:37185866d112','fill','main-20210324-SYN0003-open','{"fill": "paper-main-20210324-SYN0003-open-20210325-2", "symbol": "SYN0003", "side": "buy", "quantity": "1601.0", "price": "41.4465771392879450"}');
INSERT INTO "audit" VALUES(30,'2026-11-30 04:31:28.087127','vm:13031:278594:37185866d112','fill','main-20210324-SYN0006-open','{"fill": "paper-main-20210324-SYN0006-open-20210325-3", "symbol": "SYN0006", "side": "buy", "quantity": "274.0", "price": "121.6986861313868613"}');
INSERT INTO "audit" VALUES(31,'2026-11-30 04:31:28.087127','vm:13031:278594:37185866d112','fill','main-20210324-SYN0008-open','{"fill": "paper-main-20210324-SYN0008-open-20210325-4", "symbol": "SYN0008", "side": "buy", "quantity": "3782.0", "price": "26.5806292966684294"}');
INSERT INTO "audit" VALUES(32,'2026-11-30 04:31:28.087127','vm:13031:278594:37185866d112','fill','main-20210324-SYN0009-open','{"fill": "paper-main-20210324-SYN0009-open-20210325-5", "symbol": "SYN0009", "side": "buy", "quantity": "531.0", "price": "63.1752730696798493"}');
INSERT INTO "audit" VALUES(33,'2026-11-30 04:31:28.184121','vm:13031:278594:37185866d112','settled',NULL,'{"session": "2021-03-25", "equity": "1008698.45", "rounded": "9.010E-14"}');
INSERT INTO "audit" VALUES(34,'2026-11-30 04:31:30.735130','vm:13031:278594:bd86f39ad0d2','planned','main-20210325-SYN0009-close','{"session": "2021-03-25", "strategy": "main", "symbol": "SYN0009", "side": "sell", "leg": "close", "quantity": "472.0", "kind": "market_on_open", "decision_price": "64.16", "limit_price": null, "take_profit": null, "stop_loss": null, "instrument": "synthetic:SYN0009"}');
INSERT INTO "audit" VALUES(35,'2026-11-30 04:31:30.735130','vm:13031:278594:bd86f39ad0d2','planned','main-20210325-SYN0000-open','{"session": "2021-03-25", "strategy": "main", "symbol": "SYN0000", "side": "buy", "leg": "open", "quantity": "927.0", "kind": "market_on_open", "decision_price": "160.46", "limit_price": null, "take_profit": null, "stop_loss": null, "instrument": "synthetic:SYN0000"}');
INSERT INTO "audit" VALUES(36,'2026-11-30 04:31:30.735130','vm:13031:278594:bd86f39ad0d2','planned','main-20210325-SYN0001-open','{"session": "2021-03-25", "strategy": "main", "symbol": "SYN0001", "side": "buy", "leg": "open", "quantity": "2899.0", "kind": "market_on_open", "decision_price": "30.23", "limit_price": null, "take_profit": null, "stop_loss": null, "instrument": "synthetic:SYN0001"}');
INSERT INTO "audit" VALUES(37,'2026-11-30 04:31:30.735130','vm:13031:278594:bd86f39ad0d2','planned','main-20210325-SYN0003-open','{"session": "2021-03-25", "strategy": "main", "symbol": "SYN0003", "side": "buy", "leg": "open", "quantity": "2881.0", "kind": "market_on_open", "decision_price": "41.6", "limit_price": null, "take_profit": null, "stop_loss": null, "instrument": "synthetic:SYN0003"}');
INSERT INTO "audit" VALUES(38,'2026-11-30 04:31:30.735130','vm:13031:278594:bd86f39ad0d2','planned','main-20210325-SYN0006-open','{"session": "2021-03-25", "strategy": "main", "symbol": "SYN0006", "side": "buy", "leg": "open", "quantity": "242.0", "kind": "market_on_open", "decision_price": "122.87", "limit_price": null, "take_profit": null, "stop_loss": null, "instrument": "synthetic:SYN0006"}');
INSERT INTO "audit" VALUES(39,'2026-11-30 04:31:30.735130','vm:13031:278594:bd86f39ad0d2','planned','main-20210325-SYN0008-open','{"session": "2021-03-25", "strategy": "main", "symbol": "SYN0008", "side": "buy", "leg": "open", "quantity": "3246.0", "kind": "market_on_open", "decision_price": "27.11", "limit_price": null, "take_profit": null, "stop_loss": null, "instrument": "synthetic:SYN0008"}');
INSERT INTO "audit" VALUES(40,'2026-11-30 04:31:30.949047','vm:13031:278594:bd86f39ad0d2','sending','main-20210325-SYN0009-close','{"attempt": 1, "token": 6}');
INSERT INTO "audit" VALUES(41,'2026-11-30 04:31:30.978859','vm:13031:278594:bd86f39ad0d2','accepted','main-20210325-SYN0009-close','{"status": "accepted", "order": "paper-main-20210325-SYN0009-close", "filled": "0", "reason": null}');
INSERT INTO "audit" VALUES(42,'2026-11-30 04:31:31.011548','vm:13031:278594:bd86f39ad0d2','sending','main-20210325-SYN0000-open','{"attempt": 1, "token": 6}');
INSERT INTO "audit" VALUES(43,'2026-11-30 04:31:31.053668','vm:13031:278594:bd86f39ad0d2','accepted','main-20210325-SYN0000-open','{"status": "accepted", "order": "paper-main-20210325-SYN0000-open", "filled": "0", "reason": null}');
INSERT INTO "audit" VALUES(44,'2026-11-30 04:31:31.073671','vm:13031:278594:bd86f39ad0d2','sending','main-20210325-SYN0001-open','{"attempt": 1, "token": 6}');
INSERT INTO "audit" VALUES(45,'2026-11-30 04:31:31.113813','vm:13031:278594:bd86f39ad0d2','accepted','main-20210325-SYN0001-open','{"status": "accepted", "order": "paper-main-20210325-SYN0001-open", "filled": "0", "reason": null}');
INSERT INTO "audit" VALUES(46,'2026-11-30 04:31:31.134738','vm:13031:278594:bd86f39ad0d2','sending','main-20210325-SYN0003-open','{"attempt": 1, "token": 6}');
INSERT INTO "audit" VALUES(47,'2026-11-30 04:31:31.179947','vm:13031:278594:bd86f39ad0d2','accepted','main-20210325-SYN0003-open','{"status": "accepted", "order": "paper-main-20210325-SYN0003-open", "filled": "0", "reason": null}');
INSERT INTO "audit" VALUES(48,'2026-11-30 04:31:31.235524','vm:13031:278594:bd86f39ad0d2','sending','main-20210325-SYN0006-open','{"attempt": 1, "token": 6}');
INSERT INTO "audit" VALUES(49,'2026-11-30 04:31:31.272566','vm:13031:278594:bd86f39ad0d2','accepted','main-20210325-SYN0006-open','{"status": "accepted", "order": "paper-main-20210325-SYN0006-open", "filled": "0", "reason": null}');
INSERT INTO "audit" VALUES(50,'2026-11-30 04:31:31.293847','vm:13031:278594:bd86f39ad0d2','sending','main-20210325-SYN0008-open','{"attempt": 1, "token": 6}');
INSERT INTO "audit" VALUES(51,'2026-11-30 04:31:31.340784','vm:13031:278594:bd86f39ad0d2','accepted','main-20210325-SYN0008-open','{"status": "accepted", "order": "paper-main-20210325-SYN0008-open", "filled": "0", "reason": null}');
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
	settled_in INTEGER, 
	CONSTRAINT pk_entries PRIMARY KEY (entry_id), 
	CONSTRAINT fk_entries_baseline_id FOREIGN KEY(baseline_id) REFERENCES account_snapshots (id), 
	CONSTRAINT fk_entries_settled_in FOREIGN KEY(settled_in) REFERENCES account_snapshots (id)
);
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
	settled_in INTEGER, 
	multiplier VARCHAR(64), 
	CONSTRAINT pk_fills PRIMARY KEY (fill_id), 
	CONSTRAINT fk_fills_intent_id FOREIGN KEY(intent_id) REFERENCES intents (client_order_id), 
	CONSTRAINT fk_fills_baseline_id FOREIGN KEY(baseline_id) REFERENCES account_snapshots (id), 
	CONSTRAINT fk_fills_settled_in FOREIGN KEY(settled_in) REFERENCES account_snapshots (id)
);
INSERT INTO "fills" VALUES('paper-main-20210324-SYN0000-open-20210325-0','paper-main-20210324-SYN0000-open','main-20210324-SYN0000-open','main-20210324-SYN0000-open',1,'SYN0000','buy','631.0','157.9031378763866878','9.96','2021-03-25 13:30:00.000000','2026-11-30 04:31:28.087127',NULL,3,NULL);
INSERT INTO "fills" VALUES('paper-main-20210324-SYN0001-open-20210325-1','paper-main-20210324-SYN0001-open','main-20210324-SYN0001-open','main-20210324-SYN0001-open',1,'SYN0001','buy','5630.0','29.5118010657193606','16.61','2021-03-25 13:30:00.000000','2026-11-30 04:31:28.087127',NULL,3,NULL);
INSERT INTO "fills" VALUES('paper-main-20210324-SYN0003-open-20210325-2','paper-main-20210324-SYN0003-open','main-20210324-SYN0003-open','main-20210324-SYN0003-open',1,'SYN0003','buy','1601.0','41.4465771392879450','6.63','2021-03-25 13:30:00.000000','2026-11-30 04:31:28.087127',NULL,3,NULL);
INSERT INTO "fills" VALUES('paper-main-20210324-SYN0006-open-20210325-3','paper-main-20210324-SYN0006-open','main-20210324-SYN0006-open','main-20210324-SYN0006-open',1,'SYN0006','buy','274.0','121.6986861313868613','3.33','2021-03-25 13:30:00.000000','2026-11-30 04:31:28.087127',NULL,3,NULL);
INSERT INTO "fills" VALUES('paper-main-20210324-SYN0008-open-20210325-4','paper-main-20210324-SYN0008-open','main-20210324-SYN0008-open','main-20210324-SYN0008-open',1,'SYN0008','buy','3782.0','26.5806292966684294','10.05','2021-03-25 13:30:00.000000','2026-11-30 04:31:28.087127',NULL,3,NULL);
INSERT INTO "fills" VALUES('paper-main-20210324-SYN0009-open-20210325-5','paper-main-20210324-SYN0009-open','main-20210324-SYN0009-open','main-20210324-SYN0009-open',1,'SYN0009','buy','531.0','63.1752730696798493','3.35','2021-03-25 13:30:00.000000','2026-11-30 04:31:28.087127',NULL,3,NULL);
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
	instrument VARCHAR(96), 
	legs VARCHAR(512), 
	book VARCHAR(64), 
	rule VARCHAR(64), 
	place INTEGER, 
	work VARCHAR(2048), 
	arrival_price VARCHAR(64), 
	parent VARCHAR(48), 
	number INTEGER, 
	expires_at DATETIME, 
	cancel_asked_at DATETIME, 
	state VARCHAR(16) NOT NULL, 
	reason TEXT, 
	attempts INTEGER NOT NULL, 
	token BIGINT, 
	planned_at DATETIME NOT NULL, 
	sending_at DATETIME, 
	updated_at DATETIME NOT NULL, 
	CONSTRAINT pk_intents PRIMARY KEY (client_order_id)
);
INSERT INTO "intents" VALUES('main-20210324-SYN0000-open','2021-03-24','main','SYN0000','buy','open','631.0','market_on_open','158.27',NULL,NULL,NULL,'synthetic:SYN0000',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'filled',NULL,1,3,'2026-11-30 04:31:25.691986','2026-11-30 04:31:25.909399','2026-11-30 04:31:27.864088');
INSERT INTO "intents" VALUES('main-20210324-SYN0001-open','2021-03-24','main','SYN0001','buy','open','5630.0','market_on_open','29.6',NULL,NULL,NULL,'synthetic:SYN0001',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'filled',NULL,1,3,'2026-11-30 04:31:25.691986','2026-11-30 04:31:26.018339','2026-11-30 04:31:27.930847');
INSERT INTO "intents" VALUES('main-20210324-SYN0003-open','2021-03-24','main','SYN0003','buy','open','1601.0','market_on_open','41.63',NULL,NULL,NULL,'synthetic:SYN0003',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'filled',NULL,1,3,'2026-11-30 04:31:25.691986','2026-11-30 04:31:26.076923','2026-11-30 04:31:27.947309');
INSERT INTO "intents" VALUES('main-20210324-SYN0006-open','2021-03-24','main','SYN0006','buy','open','274.0','market_on_open','121.3',NULL,NULL,NULL,'synthetic:SYN0006',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'filled',NULL,1,3,'2026-11-30 04:31:25.691986','2026-11-30 04:31:26.140948','2026-11-30 04:31:27.979808');
INSERT INTO "intents" VALUES('main-20210324-SYN0008-open','2021-03-24','main','SYN0008','buy','open','3782.0','market_on_open','26.44',NULL,NULL,NULL,'synthetic:SYN0008',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'filled',NULL,1,3,'2026-11-30 04:31:25.691986','2026-11-30 04:31:26.192924','2026-11-30 04:31:27.995849');
INSERT INTO "intents" VALUES('main-20210324-SYN0009-open','2021-03-24','main','SYN0009','buy','open','531.0','market_on_open','62.71',NULL,NULL,NULL,'synthetic:SYN0009',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'filled',NULL,1,3,'2026-11-30 04:31:25.691986','2026-11-30 04:31:26.250407','2026-11-30 04:31:28.007032');
INSERT INTO "intents" VALUES('main-20210325-SYN0009-close','2021-03-25','main','SYN0009','sell','close','472.0','market_on_open','64.16',NULL,NULL,NULL,'synthetic:SYN0009',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'accepted',NULL,1,6,'2026-11-30 04:31:30.735130','2026-11-30 04:31:30.949047','2026-11-30 04:31:30.978859');
INSERT INTO "intents" VALUES('main-20210325-SYN0000-open','2021-03-25','main','SYN0000','buy','open','927.0','market_on_open','160.46',NULL,NULL,NULL,'synthetic:SYN0000',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'accepted',NULL,1,6,'2026-11-30 04:31:30.735130','2026-11-30 04:31:31.011548','2026-11-30 04:31:31.053668');
INSERT INTO "intents" VALUES('main-20210325-SYN0001-open','2021-03-25','main','SYN0001','buy','open','2899.0','market_on_open','30.23',NULL,NULL,NULL,'synthetic:SYN0001',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'accepted',NULL,1,6,'2026-11-30 04:31:30.735130','2026-11-30 04:31:31.073671','2026-11-30 04:31:31.113813');
INSERT INTO "intents" VALUES('main-20210325-SYN0003-open','2021-03-25','main','SYN0003','buy','open','2881.0','market_on_open','41.6',NULL,NULL,NULL,'synthetic:SYN0003',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'accepted',NULL,1,6,'2026-11-30 04:31:30.735130','2026-11-30 04:31:31.134738','2026-11-30 04:31:31.179947');
INSERT INTO "intents" VALUES('main-20210325-SYN0006-open','2021-03-25','main','SYN0006','buy','open','242.0','market_on_open','122.87',NULL,NULL,NULL,'synthetic:SYN0006',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'accepted',NULL,1,6,'2026-11-30 04:31:30.735130','2026-11-30 04:31:31.235524','2026-11-30 04:31:31.272566');
INSERT INTO "intents" VALUES('main-20210325-SYN0008-open','2021-03-25','main','SYN0008','buy','open','3246.0','market_on_open','27.11',NULL,NULL,NULL,'synthetic:SYN0008',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'accepted',NULL,1,6,'2026-11-30 04:31:30.735130','2026-11-30 04:31:31.293847','2026-11-30 04:31:31.340784');
CREATE TABLE leases (
	name VARCHAR(32) NOT NULL, 
	holder VARCHAR(128), 
	token BIGINT NOT NULL, 
	expires_at DATETIME NOT NULL, 
	CONSTRAINT pk_leases PRIMARY KEY (name)
);
INSERT INTO "leases" VALUES('executor',NULL,6,'2026-11-30 04:33:31.340305');
CREATE TABLE live_decisions (
	session DATE NOT NULL, 
	strategy VARCHAR(16) NOT NULL, 
	number INTEGER NOT NULL, 
	event INTEGER NOT NULL, 
	decided_at DATETIME NOT NULL, 
	what VARCHAR(16) NOT NULL, 
	subject VARCHAR(64) NOT NULL, 
	symbol VARCHAR(32), 
	reason TEXT NOT NULL, 
	fields TEXT NOT NULL, 
	done BOOLEAN NOT NULL, 
	CONSTRAINT pk_live_decisions PRIMARY KEY (session, strategy, number), 
	CONSTRAINT fk_live_decisions_session_strategy_event FOREIGN KEY(session, strategy, event) REFERENCES live_events (session, strategy, number)
);
CREATE TABLE live_events (
	session DATE NOT NULL, 
	strategy VARCHAR(16) NOT NULL, 
	number INTEGER NOT NULL, 
	known_at DATETIME NOT NULL, 
	kind VARCHAR(16) NOT NULL, 
	symbol VARCHAR(32), 
	sequence INTEGER, 
	verdict VARCHAR(16) NOT NULL, 
	reason TEXT, 
	fields TEXT NOT NULL, 
	CONSTRAINT pk_live_events PRIMARY KEY (session, strategy, number)
);
CREATE TABLE live_loops (
	strategy VARCHAR(16) NOT NULL, 
	holder VARCHAR(128), 
	token BIGINT NOT NULL, 
	beat_at DATETIME NOT NULL, 
	CONSTRAINT pk_live_loops PRIMARY KEY (strategy)
);
CREATE TABLE looks (
	strategy VARCHAR(16) NOT NULL, 
	at DATETIME NOT NULL, 
	who VARCHAR(128) NOT NULL, 
	CONSTRAINT pk_looks PRIMARY KEY (strategy)
);
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
	settled_in INTEGER, 
	CONSTRAINT pk_orders PRIMARY KEY (broker_order_id), 
	CONSTRAINT fk_orders_intent_id FOREIGN KEY(intent_id) REFERENCES intents (client_order_id), 
	CONSTRAINT fk_orders_settled_in FOREIGN KEY(settled_in) REFERENCES account_snapshots (id)
);
INSERT INTO "orders" VALUES('paper-main-20210324-SYN0000-open','main-20210324-SYN0000-open','main-20210324-SYN0000-open','SYN0000','buy','631.0','filled','631.0','157.9031378763866878','2021-03-24 20:00:00.000000','2021-03-25 20:00:00.000000',NULL,3);
INSERT INTO "orders" VALUES('paper-main-20210324-SYN0001-open','main-20210324-SYN0001-open','main-20210324-SYN0001-open','SYN0001','buy','5630.0','filled','5630.0','29.5118010657193606','2021-03-24 20:00:00.000000','2021-03-25 20:00:00.000000',NULL,3);
INSERT INTO "orders" VALUES('paper-main-20210324-SYN0003-open','main-20210324-SYN0003-open','main-20210324-SYN0003-open','SYN0003','buy','1601.0','filled','1601.0','41.4465771392879450','2021-03-24 20:00:00.000000','2021-03-25 20:00:00.000000',NULL,3);
INSERT INTO "orders" VALUES('paper-main-20210324-SYN0006-open','main-20210324-SYN0006-open','main-20210324-SYN0006-open','SYN0006','buy','274.0','filled','274.0','121.6986861313868613','2021-03-24 20:00:00.000000','2021-03-25 20:00:00.000000',NULL,3);
INSERT INTO "orders" VALUES('paper-main-20210324-SYN0008-open','main-20210324-SYN0008-open','main-20210324-SYN0008-open','SYN0008','buy','3782.0','filled','3782.0','26.5806292966684294','2021-03-24 20:00:00.000000','2021-03-25 20:00:00.000000',NULL,3);
INSERT INTO "orders" VALUES('paper-main-20210324-SYN0009-open','main-20210324-SYN0009-open','main-20210324-SYN0009-open','SYN0009','buy','531.0','filled','531.0','63.1752730696798493','2021-03-24 20:00:00.000000','2021-03-25 20:00:00.000000',NULL,3);
INSERT INTO "orders" VALUES('paper-main-20210325-SYN0009-close','main-20210325-SYN0009-close','main-20210325-SYN0009-close','SYN0009','sell','472.0','accepted','0',NULL,'2021-03-25 20:00:00.000000','2021-03-25 20:00:00.000000',NULL,NULL);
INSERT INTO "orders" VALUES('paper-main-20210325-SYN0000-open','main-20210325-SYN0000-open','main-20210325-SYN0000-open','SYN0000','buy','927.0','accepted','0',NULL,'2021-03-25 20:00:00.000000','2021-03-25 20:00:00.000000',NULL,NULL);
INSERT INTO "orders" VALUES('paper-main-20210325-SYN0001-open','main-20210325-SYN0001-open','main-20210325-SYN0001-open','SYN0001','buy','2899.0','accepted','0',NULL,'2021-03-25 20:00:00.000000','2021-03-25 20:00:00.000000',NULL,NULL);
INSERT INTO "orders" VALUES('paper-main-20210325-SYN0003-open','main-20210325-SYN0003-open','main-20210325-SYN0003-open','SYN0003','buy','2881.0','accepted','0',NULL,'2021-03-25 20:00:00.000000','2021-03-25 20:00:00.000000',NULL,NULL);
INSERT INTO "orders" VALUES('paper-main-20210325-SYN0006-open','main-20210325-SYN0006-open','main-20210325-SYN0006-open','SYN0006','buy','242.0','accepted','0',NULL,'2021-03-25 20:00:00.000000','2021-03-25 20:00:00.000000',NULL,NULL);
INSERT INTO "orders" VALUES('paper-main-20210325-SYN0008-open','main-20210325-SYN0008-open','main-20210325-SYN0008-open','SYN0008','buy','3246.0','accepted','0',NULL,'2021-03-25 20:00:00.000000','2021-03-25 20:00:00.000000',NULL,NULL);
CREATE TABLE paper_accounts (
	account VARCHAR(16) NOT NULL, 
	opened DATE NOT NULL, 
	settled DATE NOT NULL, 
	cash_cents BIGINT NOT NULL, 
	CONSTRAINT pk_paper_accounts PRIMARY KEY (account)
);
INSERT INTO "paper_accounts" VALUES('main','2021-03-24','2021-03-25',50038633);
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
INSERT INTO "paper_fills" VALUES('paper-main-20210324-SYN0000-open-20210325-0','main',0,'2021-03-25','paper-main-20210324-SYN0000-open','main-20210324-SYN0000-open','SYN0000','buy','631.0','157.9031378763866878','9.96','2021-03-25 13:30:00.000000');
INSERT INTO "paper_fills" VALUES('paper-main-20210324-SYN0001-open-20210325-1','main',1,'2021-03-25','paper-main-20210324-SYN0001-open','main-20210324-SYN0001-open','SYN0001','buy','5630.0','29.5118010657193606','16.61','2021-03-25 13:30:00.000000');
INSERT INTO "paper_fills" VALUES('paper-main-20210324-SYN0003-open-20210325-2','main',2,'2021-03-25','paper-main-20210324-SYN0003-open','main-20210324-SYN0003-open','SYN0003','buy','1601.0','41.4465771392879450','6.63','2021-03-25 13:30:00.000000');
INSERT INTO "paper_fills" VALUES('paper-main-20210324-SYN0006-open-20210325-3','main',3,'2021-03-25','paper-main-20210324-SYN0006-open','main-20210324-SYN0006-open','SYN0006','buy','274.0','121.6986861313868613','3.33','2021-03-25 13:30:00.000000');
INSERT INTO "paper_fills" VALUES('paper-main-20210324-SYN0008-open-20210325-4','main',4,'2021-03-25','paper-main-20210324-SYN0008-open','main-20210324-SYN0008-open','SYN0008','buy','3782.0','26.5806292966684294','10.05','2021-03-25 13:30:00.000000');
INSERT INTO "paper_fills" VALUES('paper-main-20210324-SYN0009-open-20210325-5','main',5,'2021-03-25','paper-main-20210324-SYN0009-open','main-20210324-SYN0009-open','SYN0009','buy','531.0','63.1752730696798493','3.35','2021-03-25 13:30:00.000000');
CREATE TABLE paper_holdings (
	account VARCHAR(16) NOT NULL, 
	symbol VARCHAR(32) NOT NULL, 
	shares VARCHAR(64) NOT NULL, 
	basis_cents BIGINT NOT NULL, 
	last_close VARCHAR(64) NOT NULL, 
	missing_sessions INTEGER NOT NULL, 
	CONSTRAINT pk_paper_holdings PRIMARY KEY (account, symbol)
);
INSERT INTO "paper_holdings" VALUES('main','SYN0000','631.0',9964684,'160.46',0);
INSERT INTO "paper_holdings" VALUES('main','SYN0001','5630.0',16616805,'30.23',0);
INSERT INTO "paper_holdings" VALUES('main','SYN0003','1601.0',6636260,'41.6',0);
INSERT INTO "paper_holdings" VALUES('main','SYN0006','274.0',3334877,'122.87',0);
INSERT INTO "paper_holdings" VALUES('main','SYN0008','3782.0',10053799,'27.11',0);
INSERT INTO "paper_holdings" VALUES('main','SYN0009','531.0',3354942,'64.16',0);
CREATE TABLE paper_option_books (
	account VARCHAR(16) NOT NULL, 
	strategy VARCHAR(64) NOT NULL, 
	settled DATE NOT NULL, 
	cash VARCHAR(64) NOT NULL, 
	held JSON NOT NULL, 
	flows INTEGER NOT NULL, 
	CONSTRAINT pk_paper_option_books PRIMARY KEY (account, strategy)
);
CREATE TABLE paper_option_fills (
	fill_id VARCHAR(80) NOT NULL, 
	account VARCHAR(16) NOT NULL, 
	sequence INTEGER NOT NULL, 
	session DATE NOT NULL, 
	broker_order_id VARCHAR(64) NOT NULL, 
	client_order_id VARCHAR(48) NOT NULL, 
	symbol VARCHAR(32) NOT NULL, 
	side VARCHAR(8) NOT NULL, 
	quantity VARCHAR(64) NOT NULL, 
	multiplier VARCHAR(64) NOT NULL, 
	price VARCHAR(64) NOT NULL, 
	fees VARCHAR(64) NOT NULL, 
	at DATETIME NOT NULL, 
	CONSTRAINT pk_paper_option_fills PRIMARY KEY (fill_id)
);
CREATE TABLE paper_option_flows (
	account VARCHAR(16) NOT NULL, 
	strategy VARCHAR(64) NOT NULL, 
	number INTEGER NOT NULL, 
	session DATE NOT NULL, 
	kind VARCHAR(16) NOT NULL, 
	underlying VARCHAR(32), 
	contract VARCHAR(32), 
	quantity INTEGER NOT NULL, 
	shares VARCHAR(64) NOT NULL, 
	price VARCHAR(64), 
	cash VARCHAR(64) NOT NULL, 
	balance VARCHAR(64) NOT NULL, 
	detail TEXT NOT NULL, 
	CONSTRAINT pk_paper_option_flows PRIMARY KEY (account, strategy, number)
);
CREATE TABLE paper_option_orders (
	broker_order_id VARCHAR(64) NOT NULL, 
	account VARCHAR(16) NOT NULL, 
	client_order_id VARCHAR(48) NOT NULL, 
	session DATE NOT NULL, 
	symbol VARCHAR(32) NOT NULL, 
	side VARCHAR(8) NOT NULL, 
	quantity VARCHAR(64) NOT NULL, 
	legs VARCHAR(512) NOT NULL, 
	book VARCHAR(64) NOT NULL, 
	rule VARCHAR(64) NOT NULL, 
	place INTEGER NOT NULL, 
	leg VARCHAR(8) NOT NULL, 
	limit_price VARCHAR(64), 
	status VARCHAR(20) NOT NULL, 
	filled_quantity VARCHAR(64) NOT NULL, 
	filled_average_price VARCHAR(64), 
	prices JSON, 
	submitted_at DATETIME NOT NULL, 
	updated_at DATETIME NOT NULL, 
	reason TEXT, 
	CONSTRAINT pk_paper_option_orders PRIMARY KEY (broker_order_id), 
	CONSTRAINT uq_paper_option_orders_client_order_id UNIQUE (client_order_id)
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
	decision_price VARCHAR(64), 
	work VARCHAR(2048), 
	status VARCHAR(20) NOT NULL, 
	filled_quantity VARCHAR(64) NOT NULL, 
	filled_average_price VARCHAR(64), 
	submitted_at DATETIME NOT NULL, 
	updated_at DATETIME NOT NULL, 
	reason TEXT, 
	CONSTRAINT pk_paper_orders PRIMARY KEY (broker_order_id), 
	CONSTRAINT uq_paper_orders_client_order_id UNIQUE (client_order_id)
);
INSERT INTO "paper_orders" VALUES('paper-main-20210324-SYN0000-open','main','main-20210324-SYN0000-open','2021-03-24','SYN0000','buy','open','631.0','market_on_open',NULL,NULL,NULL,NULL,NULL,NULL,'filled','631.0','157.9031378763866878','2021-03-24 20:00:00.000000','2021-03-25 20:00:00.000000',NULL);
INSERT INTO "paper_orders" VALUES('paper-main-20210324-SYN0001-open','main','main-20210324-SYN0001-open','2021-03-24','SYN0001','buy','open','5630.0','market_on_open',NULL,NULL,NULL,NULL,NULL,NULL,'filled','5630.0','29.5118010657193606','2021-03-24 20:00:00.000000','2021-03-25 20:00:00.000000',NULL);
INSERT INTO "paper_orders" VALUES('paper-main-20210324-SYN0003-open','main','main-20210324-SYN0003-open','2021-03-24','SYN0003','buy','open','1601.0','market_on_open',NULL,NULL,NULL,NULL,NULL,NULL,'filled','1601.0','41.4465771392879450','2021-03-24 20:00:00.000000','2021-03-25 20:00:00.000000',NULL);
INSERT INTO "paper_orders" VALUES('paper-main-20210324-SYN0006-open','main','main-20210324-SYN0006-open','2021-03-24','SYN0006','buy','open','274.0','market_on_open',NULL,NULL,NULL,NULL,NULL,NULL,'filled','274.0','121.6986861313868613','2021-03-24 20:00:00.000000','2021-03-25 20:00:00.000000',NULL);
INSERT INTO "paper_orders" VALUES('paper-main-20210324-SYN0008-open','main','main-20210324-SYN0008-open','2021-03-24','SYN0008','buy','open','3782.0','market_on_open',NULL,NULL,NULL,NULL,NULL,NULL,'filled','3782.0','26.5806292966684294','2021-03-24 20:00:00.000000','2021-03-25 20:00:00.000000',NULL);
INSERT INTO "paper_orders" VALUES('paper-main-20210324-SYN0009-open','main','main-20210324-SYN0009-open','2021-03-24','SYN0009','buy','open','531.0','market_on_open',NULL,NULL,NULL,NULL,NULL,NULL,'filled','531.0','63.1752730696798493','2021-03-24 20:00:00.000000','2021-03-25 20:00:00.000000',NULL);
INSERT INTO "paper_orders" VALUES('paper-main-20210325-SYN0009-close','main','main-20210325-SYN0009-close','2021-03-25','SYN0009','sell','close','472.0','market_on_open',NULL,NULL,NULL,NULL,NULL,NULL,'accepted','0',NULL,'2021-03-25 20:00:00.000000','2021-03-25 20:00:00.000000',NULL);
INSERT INTO "paper_orders" VALUES('paper-main-20210325-SYN0000-open','main','main-20210325-SYN0000-open','2021-03-25','SYN0000','buy','open','927.0','market_on_open',NULL,NULL,NULL,NULL,NULL,NULL,'accepted','0',NULL,'2021-03-25 20:00:00.000000','2021-03-25 20:00:00.000000',NULL);
INSERT INTO "paper_orders" VALUES('paper-main-20210325-SYN0001-open','main','main-20210325-SYN0001-open','2021-03-25','SYN0001','buy','open','2899.0','market_on_open',NULL,NULL,NULL,NULL,NULL,NULL,'accepted','0',NULL,'2021-03-25 20:00:00.000000','2021-03-25 20:00:00.000000',NULL);
INSERT INTO "paper_orders" VALUES('paper-main-20210325-SYN0003-open','main','main-20210325-SYN0003-open','2021-03-25','SYN0003','buy','open','2881.0','market_on_open',NULL,NULL,NULL,NULL,NULL,NULL,'accepted','0',NULL,'2021-03-25 20:00:00.000000','2021-03-25 20:00:00.000000',NULL);
INSERT INTO "paper_orders" VALUES('paper-main-20210325-SYN0006-open','main','main-20210325-SYN0006-open','2021-03-25','SYN0006','buy','open','242.0','market_on_open',NULL,NULL,NULL,NULL,NULL,NULL,'accepted','0',NULL,'2021-03-25 20:00:00.000000','2021-03-25 20:00:00.000000',NULL);
INSERT INTO "paper_orders" VALUES('paper-main-20210325-SYN0008-open','main','main-20210325-SYN0008-open','2021-03-25','SYN0008','buy','open','3246.0','market_on_open',NULL,NULL,NULL,NULL,NULL,NULL,'accepted','0',NULL,'2021-03-25 20:00:00.000000','2021-03-25 20:00:00.000000',NULL);
CREATE TABLE positions (
	snapshot_id INTEGER NOT NULL, 
	symbol VARCHAR(32) NOT NULL, 
	quantity VARCHAR(64) NOT NULL, 
	cost VARCHAR(64), 
	price VARCHAR(64), 
	multiplier VARCHAR(64), 
	CONSTRAINT pk_positions PRIMARY KEY (snapshot_id, symbol), 
	CONSTRAINT fk_positions_snapshot_id FOREIGN KEY(snapshot_id) REFERENCES account_snapshots (id)
);
INSERT INTO "positions" VALUES(3,'SYN0000','631.0','99646.84','160.46',NULL);
INSERT INTO "positions" VALUES(3,'SYN0001','5630.0','166168.05','30.23',NULL);
INSERT INTO "positions" VALUES(3,'SYN0003','1601.0','66362.60','41.6',NULL);
INSERT INTO "positions" VALUES(3,'SYN0006','274.0','33348.77','122.87',NULL);
INSERT INTO "positions" VALUES(3,'SYN0008','3782.0','100537.99','27.11',NULL);
INSERT INTO "positions" VALUES(3,'SYN0009','531.0','33549.42','64.16',NULL);
CREATE TABLE running_accounts (
	snapshot_id INTEGER NOT NULL, 
	baseline_id INTEGER NOT NULL, 
	cash VARCHAR(64) NOT NULL, 
	inexact INTEGER NOT NULL, 
	CONSTRAINT pk_running_accounts PRIMARY KEY (snapshot_id), 
	CONSTRAINT fk_running_accounts_snapshot_id FOREIGN KEY(snapshot_id) REFERENCES account_snapshots (id), 
	CONSTRAINT fk_running_accounts_baseline_id FOREIGN KEY(baseline_id) REFERENCES account_snapshots (id)
);
INSERT INTO "running_accounts" VALUES(2,1,'1000000.00',0);
INSERT INTO "running_accounts" VALUES(3,1,'500386.32999999999990990',6);
CREATE TABLE running_positions (
	snapshot_id INTEGER NOT NULL, 
	symbol VARCHAR(32) NOT NULL, 
	quantity VARCHAR(64) NOT NULL, 
	CONSTRAINT pk_running_positions PRIMARY KEY (snapshot_id, symbol), 
	CONSTRAINT fk_running_positions_snapshot_id FOREIGN KEY(snapshot_id) REFERENCES running_accounts (snapshot_id)
);
INSERT INTO "running_positions" VALUES(3,'SYN0000','631.0');
INSERT INTO "running_positions" VALUES(3,'SYN0001','5630.0');
INSERT INTO "running_positions" VALUES(3,'SYN0003','1601.0');
INSERT INTO "running_positions" VALUES(3,'SYN0006','274.0');
INSERT INTO "running_positions" VALUES(3,'SYN0008','3782.0');
INSERT INTO "running_positions" VALUES(3,'SYN0009','531.0');
CREATE TABLE schema_version (
	version INTEGER NOT NULL, 
	CONSTRAINT pk_schema_version PRIMARY KEY (version)
);
INSERT INTO "schema_version" VALUES(5);
CREATE INDEX ix_intents_session_strategy ON intents (session, strategy);
CREATE INDEX ix_intents_kind_strategy_instrument_session ON intents (kind, strategy, instrument, session);
CREATE UNIQUE INDEX ix_intents_parent_number ON intents (parent, number);
CREATE INDEX ix_intents_state ON intents (state);
CREATE INDEX ix_intents_kind_strategy_symbol_session ON intents (kind, strategy, symbol, session);
CREATE INDEX ix_account_snapshots_kind_session ON account_snapshots (kind, session);
CREATE INDEX ix_audit_client_order_id_at ON audit (client_order_id, at);
CREATE INDEX ix_paper_orders_parent_id ON paper_orders (parent_id);
CREATE INDEX ix_paper_orders_account_status ON paper_orders (account, status);
CREATE INDEX ix_paper_fills_account_at ON paper_fills (account, at);
CREATE INDEX ix_paper_entries_account_at ON paper_entries (account, at);
CREATE INDEX ix_paper_option_flows_session ON paper_option_flows (session);
CREATE INDEX ix_paper_option_orders_account_status ON paper_option_orders (account, status);
CREATE INDEX ix_paper_option_fills_account_at ON paper_option_fills (account, at);
CREATE INDEX ix_orders_intent_id ON orders (intent_id);
CREATE INDEX ix_orders_status ON orders (status);
CREATE INDEX ix_orders_settled_in_submitted_at ON orders (settled_in, submitted_at);
CREATE INDEX ix_running_accounts_baseline_id_snapshot_id ON running_accounts (baseline_id, snapshot_id);
CREATE INDEX ix_fills_at_fill_id ON fills (at, fill_id);
CREATE INDEX ix_fills_broker_order_id ON fills (broker_order_id);
CREATE INDEX ix_fills_intent_id ON fills (intent_id);
CREATE INDEX ix_fills_baseline_id_at ON fills (baseline_id, at);
CREATE INDEX ix_fills_baseline_id_settled_in ON fills (baseline_id, settled_in);
CREATE INDEX ix_fills_unacknowledged ON fills (at) WHERE intent_id IS NULL AND acknowledged_at IS NULL AND baseline_id IS NOT NULL;
CREATE INDEX ix_entries_baseline_id_settled_in ON entries (baseline_id, settled_in);
CREATE INDEX ix_entries_at_entry_id ON entries (at, entry_id);
CREATE INDEX ix_live_decisions_session_strategy_done ON live_decisions (session, strategy, done);
COMMIT;
