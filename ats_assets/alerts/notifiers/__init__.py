"""Ways out for alerts, one module each."""
