"""The figures of a report: each with its data, its command and its words."""
