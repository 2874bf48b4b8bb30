"""Figures of the experiments on ensembles of networks."""
