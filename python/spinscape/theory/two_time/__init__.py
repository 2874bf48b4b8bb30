"""The two-time equations of the dynamics as N goes to infinity: grid, equations, integration, result."""
