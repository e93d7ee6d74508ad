"""Sums that nobody sees the parts of: keys, masks that cancel, shares, what owners allow.

Bonawitz et al., "Practical Secure Aggregation for Privacy-Preserving Machine Learning", CCS 2017,
with double masks; beyond `graph.COMPLETE` slaves on the graph of Bell et al., "Secure
Single-Server Aggregation with (Poly)Logarithmic Overhead", CCS 2020. Everything here is pure but
for `identity`, `journal`, `policy` and `record`, which are files of the slave's own.

- `identity`: signing keys of slaves, their fingerprints, the roster
- `shamir`, `graph`, `masks`: the mathematics
- `circle`: what all slaves of a run know of each other, their signed keys; `party`: one slave's
  part; `unmasking`: the master's; `naming`: what their rounds are called
- `vouching`: tags by which slaves see that all of them were told the same
- `journal`: what a slave must never forget; `record`: what has left it; `policy`: what its owner
  allows; `owner`: these together, in the slave's process
"""
