"""How a plan is paid for: Stripe's checkout with its webhooks, Telegram's own invoices. Each says what happened as facts; none says who may see what."""
