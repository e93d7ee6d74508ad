"""Gradient-boosted trees by exact sums: the trees of all slaves are those of their pooled rows.

Pure mathematics, on codes of cells (which bin or category) instead of the cells:

- `boosting`: the options
- `losses`, `exponential`: gradients, the same bits on every machine
- `histograms`: sums of integers by node, column and code
- `splits`: the best split of a node
- `ensemble`: the trees as arrays; `soundness`: whether arrays are trees
- `growth`: the trees of one round, level by level
- `rows`: what a slave keeps in memory of its rows; `layout`: where its codes are counted
- `forest`: a run's model and its options; `grown`: what predicts
"""
