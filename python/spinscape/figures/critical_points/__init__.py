"""Figures of the experiments on critical points."""
