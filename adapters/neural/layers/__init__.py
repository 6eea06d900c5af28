"""Layers that several neural codecs share, each of them once; importing one imports torch."""
