"""In-process runs of the graph for every command, and what they need: an instance, progress, a summary, a diagnosis."""
