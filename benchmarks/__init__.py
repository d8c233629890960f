"""Measurements that steer the project: `python -m benchmarks.lexical`, `.dense`, `.quality`; figures in results/."""
