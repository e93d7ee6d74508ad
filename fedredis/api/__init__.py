"""All that the command line does, for programs: what `import fedredis` offers.

Nothing here prints, and nothing listens to signals. What goes wrong is a `FedredisError`. Each
function opens its Redis, the one of `redis_url` or else the embedded server of `home`, and leaves
it at the end; variables of the environment are not looked at. Importing this package loads
nothing.

- `training.run`, `training.resume`: a run, from its start or from where it stands, to its end
- `records.runs`, `records.show`, `records.failures`: what Redis knows of runs
- `removing.remove`: a run deleted
- `prediction.predict`: what a run's model says of a row
- `baseline.baseline`: a run's model beside local ones and a pooled one
- `export.export`, `model_file.load`: a run's model as a file
- `plotting.plot`: a picture of runs
- `serving.serve`, `serving.serving`: workers that act for the slaves of a folder
- `datasets.partition`, `datasets.synth`: data cut among slaves, and data to try things with
"""
