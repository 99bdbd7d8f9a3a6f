"""The double as a process of its own: prints its address, then serves until it is killed. Its state lives here, whatever becomes of its clients.

Desks are named by `module:name` of a class, or of a function that makes a list of desks that know each other; all is told to them by POST /_double/<desk>/<what>.
"""

import argparse
import importlib
import threading

from ats_assets_tests.alpaca_double.server import AlpacaDouble

DESKS = ("ats_assets_tests.alpaca_double.reference:Reference", "ats_assets_tests.alpaca_double.market_data:MarketData")


def main() -> None:
    """Serve."""
    parser = argparse.ArgumentParser(prog="alpaca_double")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--desk", action="append", help="module:class, more than once; default: reference and market data")
    arguments = parser.parse_args()
    desks = []
    for module, _, maker in (name.partition(":") for name in arguments.desk or DESKS):
        made = getattr(importlib.import_module(module), maker)()
        desks += made if isinstance(made, list) else [made]
    with AlpacaDouble(desks, port=arguments.port) as double:
        print(double.url, flush=True)  # noqa: T201 - who started it reads the address
        threading.Event().wait()


if __name__ == "__main__":
    main()
