"""Massive (formerly Polygon.io): keys under old and new names, its REST API page by page, and its flat files.

Nothing is imported here: how Massive spells symbols is read by whoever reads files, and HTTP is not needed for that.
"""
