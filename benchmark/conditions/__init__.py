"""Conditions: what happens to a signal before a codec hears it, and to its packets on the way."""
