"""The ``fedredis`` command, and the one place where errors become a line and an exit code."""

from __future__ import annotations

import errno
import logging
import os
import sys
import traceback
import warnings
from typing import TYPE_CHECKING, Any

import click
import click.shell_completion

from fedredis import logs
from fedredis.cli.signals import terminate_as_interrupt
from fedredis.cli.wording import as_options, in_plain_words
from fedredis.errors import DataWarning, FedredisError
from fedredis.lazy import import_to_stay
from fedredis.printable import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Commands with their summary, so that ``--help`` imports none of them.
COMMANDS = {
    "run": "Train a model over slaves and print its final measure.",
    "describe": "Describe columns of all slaves' rows.",
    "glm": "Fit a generalised linear model to all slaves' rows.",
    "table": "Count rows by two columns of categories, or compare a number by category.",
    "survival": "Estimate survival, or what it depends on, from all slaves' rows.",
    "pca": "Find the directions in which all slaves' rows differ most.",
    "kmeans": "Find k-means clusters of all slaves' rows.",
    "slave": "Start workers that act for the slaves of a folder, or for one with its own file.",
    "check": "Say what would be read from files, what is odd about it, and what mends that.",
    "resume": "Go on with a run whose master stopped or died.",
    "stop": "Have the master of a run stop, wherever it is, as Ctrl-C does.",
    "strategies": "List the strategies with their options, and those of trees.",
    "runs": "List the runs, newest first.",
    "watch": "Follow a run as it goes on, until it ends.",
    "top": "Show the workers that are there, and what they use.",
    "metrics": "Serve figures of runs and workers for Prometheus.",
    "show": "Show a run: where it stands, its rounds, its slaves.",
    "rm": "Delete a run, with all that Redis holds of it.",
    "errors": "Show what went wrong at the slaves of a run.",
    "web": "Show runs and predictions in a browser.",
    "predict": "Tell the class of a song with a trained model.",
    "baseline": "Compare a run's model with local ones and a pooled one.",
    "export": "Write a run's model to a file, to predict with elsewhere.",
    "plot": "Draw runs: figures by round, slaves, confusion matrix.",
    "partition": "Cut data into one partition for each slave.",
    "data": "Make data to try things with.",
    "identity": "Make the key of a slave, and show it to others.",
    "policy": "Look at the file by which a slave's owner says what is allowed.",
    "record": "Show what has left the slaves of a policy file's FOLDER, oldest first.",
    "acl": "Print ACL rules for masters, slaves and viewers.",
    "server": "Keep the embedded server up, to look into it.",
    "completion": "Print what makes a shell complete commands and options.",
    "doctor": "Check that everything needed is there.",
}

#: The exit code of a command that was interrupted, as a shell reports it.
INTERRUPTED = 130


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """List the commands, the most used first."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        if cmd_name not in COMMANDS:
            return None
        command = _imported(f"fedredis.cli.{cmd_name}").command
        if not isinstance(command, click.Command):
            raise TypeError(f"fedredis.cli.{cmd_name} has no command")
        return command

    def shell_complete(
        self, ctx: click.Context, incomplete: str
    ) -> list[click.shell_completion.CompletionItem]:
        """Complete a command's name, and import none of them."""
        found = [name for name in COMMANDS if name.startswith(incomplete)]
        items = [click.shell_completion.CompletionItem(n, help=COMMANDS[n]) for n in found]
        return [*items, *click.Command.shell_complete(self, ctx, incomplete)]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands from their summaries."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


def _imported(module: str) -> Any:
    """Import a module, once."""
    if module in sys.modules:
        return sys.modules[module]
    # Where cores are shared, threads of BLAS wait for each other; here it has little to do.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    return import_to_stay(module)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="fedredis", prog_name="fedredis")
def command() -> None:
    """Federated learning whose shared state lives in Redis and whose work is RQ jobs."""


def main(args: Sequence[str] | None = None) -> None:
    """Run the command line and leave with its exit code."""
    code = run(args)
    for name in ("stdout", "stderr"):
        try:
            if stream := getattr(sys, name):
                stream.flush()
        except OSError:
            # It is told by now, or nobody is there; Python would leave with a code of its own.
            setattr(sys, name, None)
    sys.exit(code)


def run(args: Sequence[str] | None = None) -> int:
    """Run the command line; return its exit code. Errors are one line on standard error."""
    _write_whatever_comes()
    with logs.restored():
        return _run(args)


def _run(args: Sequence[str] | None) -> int:
    try:
        with terminate_as_interrupt(), warnings.catch_warnings():
            warnings.simplefilter("always", DataWarning)
            warnings.showwarning = _warn  # type: ignore[assignment]
            code = _called(args)
            # What is held back till now may find no room, or no reader.
            if sys.stdout:
                sys.stdout.flush()
            return code
    except click.ClickException as error:
        where = ""
        if isinstance(error, click.UsageError) and error.ctx is not None:
            where = f" (see `{error.ctx.command_path} --help`)"
        return _fail(in_plain_words(error.format_message()) + where, error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except FedredisError as error:
        return _fail(as_options(str(error)), error.exit_code)
    except (BrokenPipeError, SystemExit) as error:
        *_, (last, _) = traceback.walk_tb(error.__traceback__)
        if isinstance(error, SystemExit) and last.f_globals["__name__"] != click.core.__name__:
            # A model of the user's own, say: nothing of it may pass for success.
            return _fail(f"what was called here asked for an exit: {error}", 1)
        # Whoever read the output has gone, for which click exits; say nothing more to it.
        sys.stdout = None
        return 0
    except Exception as error:
        return _fail(_unforeseen(error), 1)


def _called(args: Sequence[str] | None) -> int:
    try:
        code = command.main(args=args, prog_name="fedredis", standalone_mode=False)
    except click.exceptions.Exit as leaving:
        return leaving.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        return 0
    return code if isinstance(code, int) else 0


def _write_whatever_comes() -> None:
    """See that letters which the encoding of the output lacks stop no command."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _unforeseen(error: Exception) -> str:
    if isinstance(error, OSError):
        if error.errno == errno.ENOSPC and not error.filename:
            return f"{error.strerror}: make room where it writes, or send its output elsewhere"
        return f"{error.filename}: {error.strerror}" if error.filename else str(error)
    return f"internal error, please report it: {type(error).__name__}: {error}"


def _warn(message: Warning | str, *_where: object) -> None:
    from fedredis.cli import output

    output.warn(str(message))


def _fail(message: str, code: int) -> int:
    told = printable(" ".join(message.split()))
    from fedredis.cli import output

    if logs.started():
        logging.getLogger("fedredis.cli").error("%s", told)
    else:
        output.note(f"fedredis: {told}")
    return code
