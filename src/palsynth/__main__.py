"""``python -m palsynth``."""

from palsynth.cli import main

main()
