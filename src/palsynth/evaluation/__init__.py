"""Metrics over features, arrays and manifests. No models: what must run one is elsewhere."""
