"""The names of the assets that are collected beside daily bars. What needs only these imports no contract."""

_OF_OTHERS = frozenset({"minute_bars", "trades", "quotes", "option_chains"})


def collected_asset(kind: str) -> str:
    """The asset of a kind of `source.alpaca.collect`: ticks, bars of ticks and chains that are screened have the short names.

    Examples
    --------
    >>> collected_asset("trades"), collected_asset("snapshots")
    ('alpaca_trades', 'snapshots')
    """
    return f"alpaca_{kind}" if kind in _OF_OTHERS else kind
