"""What looks at pictures with networks: judges, cached features, panels, calibration."""
