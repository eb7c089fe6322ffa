"""A database of cordond's, read or written beside it or while it is away."""
import contextlib
import sqlite3


@contextlib.contextmanager
def opened(path, timeout=30, read_only=False):
    """Committed at the end, and closed there.  `with sqlite3.connect()` does not close: what is left of it is
    closed some day, and takes the log (-wal) of whatever has that name by then along."""
    where = f"file:{path}?mode={'ro' if read_only else 'rwc'}"
    with contextlib.closing(sqlite3.connect(where, uri=True, timeout=timeout)) as connection, connection:
        yield connection
