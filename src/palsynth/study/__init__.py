"""The questionnaire of the paper: made, served, reported."""
