"""Boards by many hands: runs packed into one file each, verified, and put side by side."""
