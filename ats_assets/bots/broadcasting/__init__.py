"""What goes out to subscribers: news of the service, a queue in the database, a sender that sends each message at most once."""
