"""What ControlNets train on: healthy subjects and patients."""
