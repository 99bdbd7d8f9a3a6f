"""Flow of options: alerts of unusual trades, trades in dark pools, and the greeks that market makers are exposed to, as a vendor tells them."""
