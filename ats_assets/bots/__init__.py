"""Bots: Telegram and Discord fronts of the service. They talk to the HTTP API alone; no key of a broker and no file of the warehouse is within their reach.

`command.py` says what a command is, `commands/` holds them, one file each; `people.py` says who may call which, `confirmations.py` asks again before anything is
changed, `reception.py` puts these together for every front, `telegram_front.py` and `discord_front.py` speak to the two services.
"""
