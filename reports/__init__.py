"""What tells: tables, figures and pages from a run."""
