"""What runs in the child processes of engines, each in an environment of its own: imported by nothing of this package, and importing nothing of it."""
