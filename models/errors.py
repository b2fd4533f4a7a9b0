"""The errors a person can cause, each one sentence long.

Every message holds the offending value, the limit it broke and the next step, because it is printed
as it stands: by the command line after ``remend:``, by the page in its status line, by a batch in its
manifest. Nothing here knows about exit codes beyond the two kinds that decide them.
"""


class RemendError(Exception):
    """Something the user can mend; ``str(error)`` is the whole sentence they read."""


class RequestError(RemendError):
    """The request itself is wrong and nothing was started (exit code 2)."""


class InputError(RemendError):
    """One input cannot be processed; others are not affected (exit code 1)."""
