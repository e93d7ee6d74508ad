"""Statistics by sums: what an analysis asks of every slave's rows, and what follows from the sums.

An analysis is a chain of stages, each of some passes. In a pass every slave adds up whole numbers
over its rows: counts, or reals that are rounded row by row (`exact`), so that the result has the
same bits however the rows are cut among slaves.

- `stages`, `exact`: passes, and what they add up
- `levels`, `spread`, `moments`, `quantiles`: what is known of columns
- `expressions`, `design`, `weighted`: the columns and rows of a regression
- `families`, `glm`, `cox`, `times`, `clusters`: what is fitted, or counted
- `glm_table`, `cox_table`, `coefficients`, `kaplan_meier`, `contingency`: what it comes to
- `distributions`, `beta`: how likely that is
- `analyses`: each of them as it is asked
"""
