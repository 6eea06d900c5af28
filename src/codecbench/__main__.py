"""Let ``python -m codecbench`` do what ``codecbench`` does."""

from codecbench.cli import main

main()
