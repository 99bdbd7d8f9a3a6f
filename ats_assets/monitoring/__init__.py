"""What is seen of a deployment from outside: the state of its components, its metrics, its logs. All of it is read; nothing here writes, waits for a lock, or imports Dagster."""
