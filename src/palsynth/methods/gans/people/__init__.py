"""Pictures of the people that a model knows, and of patients."""
