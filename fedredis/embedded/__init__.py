"""The embedded server: a Redis of its own for every directory, as SQLite has a file.

The first process that needs the server starts it, later ones join it, the last one to leave stops
it. Three files in the directory are locked with flock(2), which the kernel undoes when a process
dies, however it dies:

- ``start.lock``, exclusively, while a process joins, starts or leaves the server;
- ``users.lock``, shared, by every process for as long as it uses the server;
- ``server.lock``, exclusively, by the server itself, which inherits it: it runs for as long as
  this lock is held, whatever stale process id or socket a crash has left. The file holds its port.
"""

from fedredis.embedded.binary import SERVER_VARIABLE, find_binary
from fedredis.embedded.server import DEFAULT_HOME, EmbeddedServer

__all__ = ["DEFAULT_HOME", "SERVER_VARIABLE", "EmbeddedServer", "find_binary"]
