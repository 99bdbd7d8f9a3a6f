"""What is worth trading: tickers by liquidity, spread and opportunity, and the horizon over which the scores tell something of each."""
