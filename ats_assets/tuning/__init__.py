"""Tuning: the parameters of a model, chosen by trials inside its training window, and what that was worth."""
