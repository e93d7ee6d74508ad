"""All that the command line does, for programs: what `import fedredis` offers.

Nothing here prints, and nothing listens to signals. What goes wrong is a `FedredisError`. Each
function opens its Redis, the one of `redis_url` or else the embedded server of `home`, and leaves
it at the end; variables of the environment are not looked at. Importing this package loads
nothing.

- `starting`: `run` and `resume`, what is asked of them (`request`), and their end (`outcome`)
- `inspection`: what Redis knows of runs; `events`: what happens in them
- `stopping`: a run stopped; `removing`: one deleted
- `serving`: workers that act for the slaves of a folder, or for one with a file of its own
- `datasets`: data cut among slaves, and data to try things with
- `trained/`: predictions of a run's model, and the model as a file
- `study/`: the model beside local ones and a pooled one, and pictures of runs
"""
