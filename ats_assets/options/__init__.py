"""Options: prices, greeks, implied volatilities."""
