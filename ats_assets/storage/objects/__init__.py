"""A root in an object store: conditional writes, a log of them in place of listings, and a folder on this machine with all names and the files that were read."""
