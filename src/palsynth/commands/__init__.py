"""What each command of the command line does: a few lines over the Python API."""
