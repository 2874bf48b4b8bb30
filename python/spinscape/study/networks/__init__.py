"""Experiments on ensembles of networks: AISTATS15 sections 5 and 6, and what was measured after it."""
