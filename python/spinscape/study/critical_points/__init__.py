"""Experiments on critical points of every index, and the exact theory beside them."""
