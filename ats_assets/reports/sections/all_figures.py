"""Every figure with what it is, and the formula."""

from collections.abc import Sequence

from ats_assets.backtests import BacktestMetrics
from ats_assets.reports.formatting import decimal, multiple, percent, whole
from ats_assets.reports.page_blocks import Block, Note, Table
from ats_assets.reports.report_section import ReportInputs, ReportSection


def make(inputs: ReportInputs) -> Sequence[Block]:
    """One long table."""
    year = inputs.settings.sessions_per_year
    told = f"Yearly figures are those of {year} sessions. r: return of a session after costs; b: of the benchmark; excess: r less the risk-free rate ({percent(inputs.settings.risk_free_rate, 2)} a year)."
    return [
        Note(text=told),
        Table(columns=("figure", "value", "what it is"), rows=[*_of_returns(inputs.metrics), *_of_trading(inputs.metrics)], wide=-1),
    ]


def _of_returns(m: BacktestMetrics) -> list[tuple[str, str, str]]:
    return [
        ("Final equity", whole(m.final_equity), f"from {whole(m.initial_equity)}, over {whole(m.sessions)} sessions"),
        ("Total return", percent(m.total_return, 2, signed=True), f"after costs; before costs {percent(m.gross_return, 2, signed=True)}"),
        ("Annual return", percent(m.annual_return, 2, signed=True), "compound (CAGR), (end / start)^(q / n) − 1"),
        ("Volatility", percent(m.volatility, 2), "sd(r) √q"),
        ("Sharpe ratio", decimal(m.sharpe), f"mean(excess) / sd(excess) √q; the benchmark's is {decimal(m.benchmark_sharpe)}"),
        ("… standard error", decimal(m.sharpe_standard_error), "Lo (2002), for independent returns"),
        ("… probability above zero", percent(m.sharpe_probability), "with skewness and kurtosis; Bailey and López de Prado (2012)"),
        ("Sortino ratio", decimal(m.sortino), "mean(excess) / √mean(min(excess, 0)²) √q"),
        ("Calmar ratio", decimal(m.calmar), "annual return over maximum drawdown"),
        ("Martin ratio", decimal(m.martin_ratio), "annual return less the risk-free rate, over the Ulcer index"),
        ("Recovery factor", decimal(m.recovery_factor), "total return over maximum drawdown"),
        ("Omega ratio", decimal(m.omega), "Σ max(excess, 0) / Σ max(−excess, 0)"),
        (
            "Kelly fraction",
            decimal(m.kelly_fraction),
            "mean(excess) / var(excess): the leverage of the highest growth, were the future like this",
        ),
        (
            "Maximum drawdown",
            percent(m.max_drawdown, 2),
            f"deepest fall from a peak; the benchmark's is {percent(m.benchmark_max_drawdown, 2)}",
        ),
        ("Longest drawdown", whole(m.max_drawdown_sessions), "sessions from a peak to its recovery, or to the end"),
        ("Current drawdown", percent(m.current_drawdown, 2), "at the last close"),
        ("Ulcer index", percent(m.ulcer_index, 2), "√mean(drawdown²), of all sessions"),
        ("Skewness", decimal(m.skewness), "of r, adjusted Fisher-Pearson"),
        ("Excess kurtosis", decimal(m.kurtosis), "of r, zero for normal returns"),
        ("Value at risk, 95%", percent(m.value_at_risk, 2), "historical: one session in twenty is worse"),
        ("Expected shortfall, 95%", percent(m.conditional_value_at_risk, 2), "mean of the sessions that are (CVaR)"),
        ("Tail ratio", decimal(m.tail_ratio), "|95% quantile of r| / |5% quantile of r|"),
        ("Best session", percent(m.best_session, 2, signed=True), ""),
        ("Worst session", percent(m.worst_session, 2, signed=True), ""),
        ("Sessions that gained", percent(m.hit_rate_sessions), "of those with a return that is not zero"),
        ("Alpha", percent(m.alpha, 2, signed=True), "return a year that the benchmark's moves don't explain (Jensen)"),
        ("Beta", decimal(m.beta), "cov(r, b) / var(b)"),
        ("Tracking error", percent(m.tracking_error, 2), "sd(r − b) √q"),
        ("Information ratio", decimal(m.information_ratio), "mean(r − b) / sd(r − b) √q"),
    ]


def _of_trading(m: BacktestMetrics) -> list[tuple[str, str, str]]:
    return [
        ("Gross exposure", percent(m.gross_exposure), "mean of sum |position| over equity"),
        ("Net exposure", percent(m.net_exposure), "mean of longs less shorts over equity"),
        ("Sessions invested", percent(m.invested_share), "that ended with a position"),
        ("Turnover a year", multiple(m.turnover_a_year), "one-way: (bought + sold) / 2 over equity, times q"),
        ("Turnover a session", percent(m.turnover, 2), "both ways: (bought + sold) over equity, mean"),
        (
            "Turnover limit binds",
            percent(m.turnover_limit_share),
            "share of the sessions with targets in which more is wanted than portfolio.max_turnover",
        ),
        ("Symbols held, wanted", f"{whole(m.held_positions)}, {whole(m.wanted_positions)}", "medians over these sessions"),
        ("Holding period", decimal(m.holding_sessions, 1), "sessions from flat to flat, mean of the positions that were closed"),
        ("Costs", whole(m.costs), f"commission, half spread, slippage and borrowing; {percent(m.costs_a_year, 2)} of equity a year"),
        ("Trades", whole(m.n_trades), "opening and closing ones"),
        ("Win rate", percent(m.hit_rate_trades), "closing trades that gained after costs, of all"),
        ("Profit factor", decimal(m.profit_factor), "gains of closing trades over their losses"),
        ("Average win", whole(m.average_win, signed=True), "currency"),
        ("Average loss", whole(m.average_loss, signed=True), "currency"),
        ("Payoff ratio", decimal(m.payoff_ratio), "average win over average loss"),
        ("Expectancy", whole(m.expectancy, signed=True), "mean of a closing trade, currency"),
        ("Margin calls", whole(m.margin_calls), "sessions at whose close the positions needed more equity than there was"),
        ("Unfilled orders", whole(m.n_unfilled), "not filled, or only in part; the reasons are under positions and limits"),
    ]


SECTION = ReportSection(title="All figures", short="Figures", place=130, make=make, is_of_trading=True)
