"""From tickers to CoinGecko's ids. A ticker is nobody's: dozens of coins call themselves BTC or PEPE, and the largest today was not the largest then, so nothing is guessed."""

from collections.abc import Mapping, Sequence

from ats_assets.errors import SourceError

_SHOWN = 8


def coin_ids(tickers: Sequence[str], chosen: Mapping[str, str], coins: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Ticker -> id.

    Parameters
    ----------
    chosen
        Of those that the settings say.
    coins
        All that there are: id, symbol, name.

    Raises
    ------
    SourceError
        If no coin, or more than one, has a ticker, or there is no coin with an id that the settings name.

    Examples
    --------
    >>> coins = [{"id": "bitcoin", "symbol": "btc", "name": "Bitcoin"}, {"id": "ethereum", "symbol": "eth", "name": "Ethereum"}]
    >>> coin_ids(["BTC", "ETH"], {}, coins)
    {'BTC': 'bitcoin', 'ETH': 'ethereum'}
    """
    known = {coin["id"] for coin in coins}
    by_ticker: dict[str, list[Mapping[str, str]]] = {}
    for coin in coins:
        by_ticker.setdefault(coin["symbol"].upper(), []).append(coin)
    found: dict[str, str] = {}
    wrong: list[str] = []
    for ticker in tickers:
        having = by_ticker.get(ticker, [])
        if ticker in chosen:
            found[ticker] = chosen[ticker]
            if chosen[ticker] not in known:
                wrong.append(f"{ticker} is set to {chosen[ticker]}, which is no id")
        elif len(having) == 1:
            found[ticker] = having[0]["id"]
        elif having:
            named = ", ".join(f"{coin['id']} ({coin.get('name', '')})" for coin in having[:_SHOWN])
            more = f" and {len(having) - _SHOWN} more" if len(having) > _SHOWN else ""
            wrong.append(f"{ticker} is the ticker of {len(having)} coins: {named}{more}")
        else:
            wrong.append(f"{ticker} is the ticker of no coin")
    if wrong:
        example = next(iter(tickers), "BTC")
        raise SourceError(f'CoinGecko: {"; ".join(wrong)}. Say which is meant: source.coingecko.ids = {{ {example} = "<id>" }}')
    return found
