"""A kit for listening tests: what to play, where to rate it, and what the ratings say."""
