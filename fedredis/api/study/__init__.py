"""Looking at runs beside others: baselines and pictures."""
