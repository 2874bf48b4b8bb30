"""Where 0.1.0 had the experiments on networks: `losses`, and the `scaling` law that it fits."""
