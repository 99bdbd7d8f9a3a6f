"""Stripe, as far as it is used: checkout sessions and subscriptions over HTTP in its form encoding, idempotency keys, and events signed as it signs them.

The shapes are those of Stripe's published objects: each is built by Stripe's own client from what is answered here, and events carry the fields of API versions with and without `parent`.
"""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import stripe

SECRET = "whsec_4f0b1c2d3e4f5a6b7c8d9e0f1a2b3c4d"
KEY = "sk_test_51Nabcdefghijklmnopqrstuvwxyz0123456789"


@dataclass
class StripeDouble:
    """The service; `fail` many calls are answered with 500 after they were taken."""

    sessions: dict[str, dict[str, Any]] = field(default_factory=dict)
    by_key: dict[str, str] = field(default_factory=dict)
    cancelled: list[str] = field(default_factory=list)
    fail: int = 0
    address: str = ""

    def answer(self, path: str, form: Mapping[str, str], key: str | None) -> tuple[int, dict[str, Any]]:
        if path == "/v1/checkout/sessions":
            if key in self.by_key:
                return 200, self.sessions[self.by_key[key]]
            id_ = f"cs_test_{len(self.sessions) + 1}"
            session = {
                "id": id_,
                "object": "checkout.session",
                "mode": form["mode"],
                "url": f"https://checkout.stripe.test/{id_}",
                "form": dict(form),
            }
            self.sessions[id_] = session
            if key:
                self.by_key[key] = id_
            return 200, session
        if path.startswith("/v1/subscriptions/"):
            self.cancelled.append(path.rpartition("/")[2])
            return 200, {"id": self.cancelled[-1], "object": "subscription", "cancel_at_period_end": form["cancel_at_period_end"] == "true"}
        return 404, {"error": {"type": "invalid_request_error", "message": f"Unrecognized request URL ({path})"}}

    def served(self) -> ThreadingHTTPServer:
        double = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                text = self.rfile.read(int(self.headers["Content-Length"] or 0)).decode()
                form = {name: values[0] for name, values in parse_qs(text).items()}
                if self.headers["Authorization"] != f"Bearer {KEY}":
                    status, body = 401, {"error": {"type": "invalid_request_error", "message": f"Invalid API Key provided: {KEY}"}}
                else:
                    status, body = double.answer(self.path, form, self.headers["Idempotency-Key"])
                    if double.fail:
                        double.fail, status, body = double.fail - 1, 500, {"error": {"type": "api_error", "message": "try again"}}
                content = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{server.server_address[1]}"
        return server


def invoice(
    number: int, person: str = "telegram:501", plan: str = "basic", *, amount: int = 900, start: int, end: int, old: bool = False
) -> dict[str, Any]:
    """A paid invoice of a subscription; `old`: as versions of the API before 2025-03-31 have it."""
    marks = {"person": person, "plan": plan, "order": "order-1"}
    details = {"metadata": marks, "subscription": f"sub_{person[-3:]}"}
    place = (
        {"subscription_details": {"metadata": marks}, "subscription": f"sub_{person[-3:]}"}
        if old
        else {"parent": {"type": "subscription_details", "subscription_details": details}}
    )
    lines = {
        "object": "list",
        "data": [{"id": f"il_{number}", "object": "line_item", "metadata": marks, "period": {"start": start, "end": end}}],
    }
    return {
        "id": f"in_{number}",
        "object": "invoice",
        "currency": "eur",
        "customer": f"cus_{person[-3:]}",
        "amount_paid": amount,
        "amount_due": amount,
        "lines": lines,
        **place,
    }


def event(number: int, kind: str, what: Mapping[str, Any], *, created: int) -> dict[str, Any]:
    """An event, which Stripe's own client can read."""
    made = {
        "id": f"evt_{number}",
        "object": "event",
        "api_version": "2026-10-28.endive",
        "created": created,
        "livemode": False,
        "pending_webhooks": 1,
        "type": kind,
        "data": {"object": dict(what)},
    }
    stripe.Event.construct_from(made, KEY)
    return made


def signed(content: Mapping[str, Any], *, secret: str = SECRET, at: int | None = None) -> tuple[bytes, str]:
    """The bytes of a message, and its signature by Stripe's own function."""
    text = json.dumps(content)
    return text.encode(), stripe.WebhookSignature.generate_signature_header(text, secret, int(time.time()) if at is None else at)
