"""Whether synthetic pictures give away the people that a model was trained on."""
