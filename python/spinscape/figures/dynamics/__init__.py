"""Figures of the experiments in `spinscape.study.dynamics`, a module each."""
