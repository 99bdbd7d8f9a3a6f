"""For how long positions are best held: from the decay of skill, net of what the turnover of each holding period costs."""
