"""What each model minimises."""
