"""Settings as pages write them."""

from collections.abc import Iterator, Mapping


def settings_rows(shown: Mapping[str, Mapping[str, object]]) -> list[tuple[str, str, str]]:
    """Section, setting and value, of a table its entries.

    Examples
    --------
    >>> settings_rows({"events": {"side": None, "barriers": {"gain": 4.0, "either": True}}})
    [('events', 'side', 'not set'), ('events', 'barriers.gain', '4'), ('events', 'barriers.either', 'yes')]
    """
    return [(section, *pair) for section, values in shown.items() for pair in _flat(values)]


def _flat(values: Mapping[str, object], before: str = "") -> Iterator[tuple[str, str]]:
    """Setting and value; of a table its entries, with a point between."""
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{before}{name}.")
        else:
            yield f"{before}{name}", _written(value)


def _written(value: object) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(_written, value)) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "not set" if value is None or value == {} else f"{value:,.10g}" if isinstance(value, float) else str(value)
