"""Identity, expression and landmark networks: ours by default, published weights by path."""
