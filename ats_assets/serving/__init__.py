"""The service that `ats serve` starts: what is stored and traded over HTTP, on this machine unless settings say otherwise.

It reads. Nothing here imports a broker, the executor or what sends orders, so that no fault and no visitor can make it trade: a write is a row in the trade state, which
another process takes up.

- `app` puts it together; `server` runs it.
- `gate` sees every request first: host, key or cookie, rate, size; and every answer last: headers, log, figures.
- `routes/` has a file a subject, each with its `ROUTES`; each route says which role it needs, or the service does not start.
- `queries/` has what they ask: pure functions on a `Deployment`, read only, which know nothing of HTTP; commands use them, too.
"""
