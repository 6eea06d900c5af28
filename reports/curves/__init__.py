"""Quality over rate: BD-rate, comparison at equal rate, the Pareto front; arrays only."""
