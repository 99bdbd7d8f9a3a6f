"""Experiments: the variants of one file run over the same sessions, each in a folder of its own, with what is equal shared."""
