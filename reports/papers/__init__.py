"""The four papers' tables and figures, made anew from runs."""
