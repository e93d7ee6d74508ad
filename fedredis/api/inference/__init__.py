"""Questions to the rows of all slaves: descriptive statistics, tests, regressions, survival.

- `calls`: a function for each analysis
- `asking`: a run that answers one
- `formula`: the terms of a formula
- `frames`: answers as DataFrames
"""
