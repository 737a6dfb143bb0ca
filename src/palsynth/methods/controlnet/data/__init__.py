"""Training data of ControlNets: healthy synthetic subjects, and patients."""
