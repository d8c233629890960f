"""Measurements that steer the project: run `python -m benchmarks.lexical`, `.dense` or `.quality`; results in results/."""
