"""The volatility surface of option chains: smiles by expiry, and whether they allow arbitrage."""
