"""What judges: the `Metric` contract and one file for each metric."""
