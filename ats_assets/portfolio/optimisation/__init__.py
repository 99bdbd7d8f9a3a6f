"""Weights by risk: covariance, risk budgeting, quadratic programmes, clusters, tails, views; pure functions of returns and scores."""
