"""Codecs that work outside this process: programs, and classes under another interpreter."""
