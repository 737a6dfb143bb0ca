"""palsynth: synthetic pictures of facial palsy, for research and teaching.

Not a medical device. Importing this package imports no heavy library; import its subpackages
(``palsynth.clinical``, ``palsynth.face``, …) where they are used.
"""

__version__ = "0.2.0"
