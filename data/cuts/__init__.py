"""How a table's rows are dealt among slaves: one file a way, and none of them reads or writes.

Importing this package loads nothing, as in `fedredis.data`.

- `spec.Cut`: the cut that is asked for, as text such as ``dirichlet:0.1``
- `deal.deal`: a table's rows, dealt as a `Cut` says
- `dirichlet`, `shards`, `column`: the ways there are, beside an even one
"""
