"""The same work through fedredis and through its peers: ``python -m benchmarks.peers``.

The work is the songs cut among the slaves, eleven standardised columns, one local epoch of
minibatches of 64 with fedredis' own model and seeds, the sample-weighted average, and a test on
every slave's held-out rows in every round. Each peer is a module that runs by itself, too:
``python -m benchmarks.peers.NAME --slaves 10 --rounds 20 --json``.
"""
