"""What can be asked: a file a subject, each with its `ROUTES`. A new file here is found by itself."""
