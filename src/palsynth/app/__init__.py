"""The web pages of a study."""
