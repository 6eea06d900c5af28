"""Statistics on arrays: clips × systems in, intervals, verdicts and ranks out; no frames here."""
