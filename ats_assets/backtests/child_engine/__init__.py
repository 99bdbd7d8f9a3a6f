"""Engines of others, each in a process and an environment of its own: nothing of them is imported here, and nothing is installed before one is asked for.

- `engine_in_child`: an engine of the package's kind, whose work a child does
- `engine_environment`: the environment, made on demand
- `child_process`, `job_files`: how the child is run, and what is exchanged
- `left_out`: settings that such an engine does not know
- `rebuilt_account`: its orders as the tables of every backtest
- `scripts`: what the child runs; `engine_rules`, `trade_differences`: where its trades differ from ours, and by which rule
"""
