"""Settings of the models and their losses."""
