"""What is asked of a deployment: pure functions, read only, which know nothing of HTTP. Commands ask the same."""
