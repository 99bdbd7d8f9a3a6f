"""The stream: what changes in the trade state, the signals and the session that is followed, told to many clients at once, and resumed without loss.

1. `feed` looks for changes, many times a second, cheaply: `change_probe` says whether there is anything to read, `followed_tables`, `followed_signals` and
   `followed_session` read it as rows by topic.
2. What differs from what was told before is a delta (`topic_log`), numbered without holes and written down (`delta_store`) before anybody hears of it, so that a cursor
   holds over a restart.
3. `fanout` gives each delta, serialised once, to the queue of each client that wants it. A client whose queue is full is dropped; nobody waits for it.
4. `conversation` is one client's connection: who it is, what it asks for, what it is sent.
"""
