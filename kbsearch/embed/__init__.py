"""Embedders: text in, unit vectors out. `registry.load_embedder` is the only door for callers."""
