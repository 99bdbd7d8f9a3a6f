"""Random expressions from the grammar: every operator that qlib has, bounded in depth and look-back, the same for the same seed."""

from random import Random

FIELDS = ("$open", "$high", "$low", "$close", "$volume", "$vwap")
WINDOWS = (1, 2, 3, 5, 10, 20, 30, 60)
SPANS = ("1", "2", "5", "12", "0.3", "0.1")
ROLLING = ("Sum", "Mean", "Count", "Var", "Std", "Skew", "Kurt", "Max", "IdxMax", "Min", "IdxMin", "Quantile", "Med", "Mad", "Rank")
ROLLING += ("Slope", "Rsquare", "Resi", "WMA", "EMA")
SHORTEST = {"Skew": 3, "Kurt": 4}
NAMED_PAIRS = ("Add", "Sub", "Mul", "Div", "Greater", "Less")
COMPARISONS = ("Gt", "Ge", "Lt", "Le", "Eq", "Ne")
SIGNS = (">", ">=", "<", "<=", "==", "!=")
DEPTH, LOOKBACK = 4, 90


class Grammar:
    """Draws expressions. What qlib itself refuses is left out: a minus sign before a field, lags and sums of conditions, comparisons and
    correlations of symbols with different rows."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)

    def expression(self) -> str:
        """A whole expression: about one in twelve looks at the symbol S00, too."""
        text = self.number(DEPTH, LOOKBACK)
        if self.random.random() > 0.08:
            return text
        other = self.random.choice(["Mask({}, 'S00')", "ChangeInstrument('S00', {})"]).format(self.number(DEPTH - 2, LOOKBACK))
        form = self.random.choice(["{0}", "{0} - {1}", "{1} / {0}", "Cov({1}, {0}, {n})", "Mean({0} * {1}, {n})"])
        return form.format(other, text, n=self.random.choice(WINDOWS))

    def number(self, depth: int, back: int) -> str:
        """A number for each session."""
        if depth == 0 or self.random.random() < 0.08:
            return self.random.choice(FIELDS)
        draw = self.random.choices((self.arithmetic, self.element, self.choice, self.lagged, self.rolling, self.pair), (6, 2, 1, 2, 8, 2))[
            0
        ]
        return draw(depth - 1, back)

    def arithmetic(self, depth: int, back: int) -> str:
        left, right = self.number(depth, back), self.number(depth, back)
        kind = self.random.random()
        if kind < 0.2:
            left, right = self.random.choice([(left, self.literal()), (self.literal(), right)])
        if kind > 0.9:
            return f"Power({self.number(depth, back)}, {self.random.choice(['2', '3', '0.5', '-1'])})"
        if self.random.random() < 0.3:
            return f"{self.random.choice(NAMED_PAIRS)}({left}, {right})"
        return f"({left} {self.random.choice('+-*/')} {right})"

    def element(self, depth: int, back: int) -> str:
        inner = self.number(depth, back)
        return self.random.choice(["Abs({})", "Sign({})", "Log({})", "Log(Abs({}) + 1)"]).format(inner)

    def choice(self, depth: int, back: int) -> str:
        return f"If({self.condition(depth, back)}, {self.number(depth, back)}, {self.random.choice([self.number(depth, back), self.literal()])})"

    def lagged(self, depth: int, back: int) -> str:
        lag = self.window(back)
        return f"{self.random.choice(['Ref', 'Delta'])}({self.number(depth, back - lag)}, {lag})"

    def rolling(self, depth: int, back: int) -> str:
        name = self.random.choice(ROLLING)
        if name == "EMA":
            return f"EMA({self.operand(depth, back)}, {self.random.choice(SPANS)})"
        rows = max(self.window(back), SHORTEST.get(name, 1))
        share = f", {self.random.choice(['0', '0.2', '0.5', '0.8', '1'])}" if name == "Quantile" else ""
        return f"{name}({self.operand(depth, back - rows)}, {rows}{share})"

    def pair(self, depth: int, back: int) -> str:
        rows = self.window(back)
        return f"{self.random.choice(['Corr', 'Cov'])}({self.number(depth, back - rows)}, {self.number(depth, back - rows)}, {rows})"

    def operand(self, depth: int, back: int) -> str:
        """What a window may be over."""
        return self.condition(depth, back) if self.random.random() < 0.1 else self.number(depth, back)

    def condition(self, depth: int, back: int) -> str:
        kind = self.random.random()
        if depth > 0 and kind < 0.3:
            left, right = self.condition(depth - 1, back), self.condition(depth - 1, back)
            return self.random.choice(["({} & {})", "({} | {})", "And({}, {})", "Or({}, {})", "Not({})"]).format(left, right)
        left, right = self.number(max(depth - 1, 0), back), self.random.choice([self.number(max(depth - 1, 0), back), self.literal()])
        if kind < 0.5:
            return f"{self.random.choice(COMPARISONS)}({left}, {right})"
        return f"({left} {self.random.choice(SIGNS)} {right})"

    def literal(self) -> str:
        return self.random.choice(["1", "2", "0.5", "-1", "100", "1e-12", "20.25"])

    def window(self, back: int) -> int:
        return self.random.choice([rows for rows in WINDOWS if rows <= max(back, 1)])


def random_expressions(count: int, seed: int) -> dict[str, str]:
    """So many different expressions; name to text."""
    grammar = Grammar(seed)
    texts = dict.fromkeys(grammar.expression() for _ in range(2 * count))
    return {f"x{number}": text for number, text in enumerate(list(texts)[:count])}
