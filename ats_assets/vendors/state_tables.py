"""The tables of the file that all processes share.

Times that a wait depends on are those of `time.monotonic`, which on one machine is the same for all processes and never goes back, so that a clock that is set
changes no budget. It starts anew with the machine: a time from before is then later than now, or shows a shorter age than the true one, and is taken so.
Times that are shown are microseconds since 1970, UTC.
"""

FORM = 2
"""Of the tables; a file of another form is renamed."""

TABLES = (
    "CREATE TABLE IF NOT EXISTS budgets (bucket TEXT PRIMARY KEY, vendor TEXT NOT NULL, host TEXT NOT NULL, key TEXT NOT NULL, limits TEXT NOT NULL, not_before INTEGER)",
    "CREATE TABLE IF NOT EXISTS grants (bucket TEXT NOT NULL, at REAL NOT NULL, units INTEGER NOT NULL)",
    "CREATE INDEX IF NOT EXISTS grants_of ON grants (bucket, at, units)",
    "CREATE TABLE IF NOT EXISTS waiting (ticket INTEGER PRIMARY KEY AUTOINCREMENT, bucket TEXT NOT NULL, units INTEGER NOT NULL, since REAL NOT NULL, "
    "until REAL NOT NULL)",
    "CREATE TABLE IF NOT EXISTS calls (id INTEGER PRIMARY KEY, at INTEGER NOT NULL, vendor TEXT NOT NULL, host TEXT NOT NULL, key TEXT NOT NULL, "
    "method TEXT NOT NULL, path TEXT NOT NULL, attempt INTEGER NOT NULL, process INTEGER NOT NULL, outcome TEXT NOT NULL, status INTEGER, seconds REAL, "
    "bytes INTEGER, request_id TEXT)",
    "CREATE INDEX IF NOT EXISTS calls_at ON calls (at)",
    "CREATE TABLE IF NOT EXISTS health (vendor TEXT NOT NULL, host TEXT NOT NULL, succeeded INTEGER NOT NULL DEFAULT 0, failed INTEGER NOT NULL DEFAULT 0, "
    "in_a_row INTEGER NOT NULL DEFAULT 0, succeeded_at INTEGER, failed_at INTEGER, failure TEXT, opened_at REAL, open_seconds REAL, probe_until REAL, "
    "PRIMARY KEY (vendor, host)) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS refused_keys (key TEXT PRIMARY KEY, vendor TEXT NOT NULL, at INTEGER NOT NULL)",
    "CREATE TABLE IF NOT EXISTS answers (question BLOB PRIMARY KEY, status INTEGER NOT NULL, headers TEXT NOT NULL, content BLOB NOT NULL, "
    "digest BLOB NOT NULL, size INTEGER NOT NULL, asked_at INTEGER NOT NULL, since REAL NOT NULL, used INTEGER NOT NULL)",
    "CREATE INDEX IF NOT EXISTS answers_used ON answers (used, size)",
    "CREATE TABLE IF NOT EXISTS cache_counts (vendor TEXT PRIMARY KEY, hits INTEGER NOT NULL DEFAULT 0, misses INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID",
)
