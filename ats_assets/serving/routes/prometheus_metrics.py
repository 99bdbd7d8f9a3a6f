"""The metrics of the deployment and of the service, for Prometheus."""

import hashlib

from fastapi import Response

from ats_assets.errors import SettingsError
from ats_assets.monitoring.exposition import CONTENT_TYPE
from ats_assets.serving.problems import Problem
from ats_assets.serving.roles import Role
from ats_assets.serving.routing import Ask, Routes

ROUTES = Routes("service", prefix="")
_EXAMPLE = "# HELP ats_kill_switch_on Whether it stops all orders.\n# TYPE ats_kill_switch_on gauge\nats_kill_switch_on 0.0\n"


@ROUTES.get(
    "/metrics", role=Role.READ, media_type="text/plain", example=_EXAMPLE, statuses=(503,), summary="Metrics in Prometheus' text format"
)
def get_metrics(ask: Ask) -> Response:
    """What `ats exporter` tells, and how the service itself is asked: requests by route, method and status, and how long they took."""
    try:
        content = ask.service.exposition.text()
    except SettingsError as error:
        raise Problem(503, "no-metrics", str(error)) from None
    return ask.document(lambda: content, version=hashlib.blake2b(content, digest_size=16).hexdigest(), media_type=CONTENT_TYPE)
