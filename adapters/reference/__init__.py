"""Conventional codecs and anchors."""
