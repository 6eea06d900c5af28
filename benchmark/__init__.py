"""What runs: plan, coding stage, scoring stage, supervised children, cache, run store."""
