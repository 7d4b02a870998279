"""The `fer-book` command.

Exit status: 0 done, 1 a chapter or a page failed or a check found something, 2 bad input or missing data.
"""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

import typer

from fer_utils.book.commands import chapters, claims, data, live
from fer_utils.book.parameters import ParameterError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=True,
    help="Run and build the FER Reproducibility Book.\n\nExample: fer-book run fer2013_cnn, then fer-book build\n\n"
    "Exit status: 0 done, 1 a chapter or a page failed or a check found something, 2 bad input or missing data.",
)
for command in (chapters.run, chapters.build, chapters.publish, chapters.verify, live.live, claims.audit, claims.ledger):
    app.command()(command)
app.add_typer(data.app, name="data")


WRITING = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT}


def main() -> None:
    """Entry point: bad input, and a place that cannot be written, end with status 2 and a message, without a traceback."""
    if chosen := os.environ.get("FER_BOOK_CACHE"):  # relative to where it was typed, whichever folder a notebook runs in
        os.environ["FER_BOOK_CACHE"] = str(Path(chosen).expanduser().absolute())
    try:
        app()
    except (FileNotFoundError, ValueError) as error:
        from fer_utils.datasets.base import DatasetError, MissingDataset  # slow to import

        if not isinstance(error, MissingDataset | DatasetError | ParameterError):
            raise
        typer.echo(f"fer-book: {error}", err=True)
        sys.exit(2)
    except OSError as error:
        if error.errno not in WRITING:
            raise
        hint = (
            ""
            if error.errno == errno.ENOSPC
            else "; set FER_BOOK_CACHE to a folder that can be written, or run in a clone of yours"
        )
        typer.echo(f"fer-book: cannot write {error.filename or 'a file'}: {error.strerror}{hint}", err=True)
        sys.exit(2)
