"""Experiments on how algorithms move on the landscape: each module is one experiment of `spinscape.study`."""
