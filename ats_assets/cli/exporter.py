"""`ats exporter`: metrics for Prometheus."""

import signal
from typing import Annotated

import typer


def exporter(
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Where it listens. It asks nobody who they are: keep it on this machine.")
    ] = "127.0.0.1",
    port: Annotated[
        int | None, typer.Option(min=0, max=65_535, metavar="N", help="Default: monitoring.port, 9108.", show_default=False)
    ] = None,
) -> None:
    """Tell metrics of data, models, trading, Dagster and vendors at /metrics, for Prometheus, until SIGTERM or Ctrl-C. It only reads."""
    from ats_assets.deployment import Deployment  # noqa: PLC0415 - --help needs none of these
    from ats_assets.monitoring.exporter import Exporter  # noqa: PLC0415
    from ats_assets.runs.writing import say  # noqa: PLC0415
    from ats_assets.settings import load_settings  # noqa: PLC0415

    deployment = Deployment(load_settings())
    server = Exporter(deployment, host, deployment.settings.monitoring.port if port is None else port)
    with server:
        server.warm()
        signal.signal(signal.SIGTERM, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        say(f"ats exporter: http://{host}:{server.server_address[1]}/metrics")
        try:
            server.serve_forever(poll_interval=0.2)
        except KeyboardInterrupt:
            say("ats exporter: ended")
