"""The check of a new checkpoint against an old one: comparison, gate, bisection."""
