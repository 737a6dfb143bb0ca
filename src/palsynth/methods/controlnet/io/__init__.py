"""Reading published weights and writing our own."""
