"""`ats features check`: an expression of one's own."""

from ats_assets.runs.feature_facts import needs_of, print_json, write_facts


def check_expression(*, expression: str, form: str) -> None:
    """Write what an expression needs to standard output.

    Raises
    ------
    ExpressionError, LookAheadError
        If it is no factor of the bars.
    """
    needs = needs_of(expression)
    if form == "json":
        print_json({"expression": expression} | needs)
        return
    write_facts({}, expression)
