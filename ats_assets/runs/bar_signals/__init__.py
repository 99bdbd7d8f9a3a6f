"""Signals of a file of bars, by a saved model: by the assets' own functions, without the graph, so that an answer takes a second."""
