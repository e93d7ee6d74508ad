"""The data of a run: reading and checking it, cutting it among slaves, generating songs.

Importing this package loads nothing: a worker needs only `fedredis.data.partition`, and pandas
would cost it more time than all its other imports.

What is wrong with data is a `DataError`, whose line names file, row and column, and what to do;
what is asked wrongly a `UsageError`. Only what raises something else says so.

- `source.load`: a `Table` from a file, a frame, a folder of songs by decade, or nothing
- `cut.write_partitions`: the table as a folder, one file a slave
- `partition.open_partition`: what one slave holds, for its worker
- `synthetic.write_csv`: as many songs as you like
"""
