"""The errors a person can cause, each one sentence long.

Every message holds the offending value, the limit it broke and the next step, because it is printed
as it stands: by the command line after ``remend:``, by the page in its status line, by a batch in its
manifest. Nothing here knows about exit codes beyond the two kinds that decide them, and no sentence of
``models`` or ``training`` names a flag or a button: `OptionError` carries the field, and each face names it.
"""

from typing import Self


class RemendError(Exception):
    """Something the user can correct; ``str(error)`` is the whole sentence that they read."""


class RequestError(RemendError):
    """The request itself is wrong and nothing was started (exit code 2)."""


class PassingError(RequestError):
    """A request that may succeed later, unchanged: a package, memory, time or a disk failed."""


class InputError(RemendError):
    """One input cannot be processed; others are not affected (exit code 1)."""


class OptionError(RequestError):
    """An option has a value that it cannot have; each face says it with its own name of the option.

    Args:
        option: The field's name, such as ``feather``.
        value: What was given.
        problem: What is wrong with it, as the end of a sentence: "is out of range".
        limit: What can be chosen, such as "0 to 1000"; empty where ``problem`` says it.
    """

    def __init__(self, option: str, value: object, problem: str, limit: str = "") -> None:
        self.option, self.value, self.problem, self.limit = option, value, problem, limit
        super().__init__(option, value, problem, limit)  # pickled by these, between processes

    def __str__(self) -> str:
        return self.worded(f"{self.option}={self.value}")

    def worded(self, subject: str) -> str:
        """The sentence about ``subject``, which names option and value: ``feather=2000``."""
        choose = f"; choose {self.limit}" if self.limit else ""
        return f"{subject} {self.problem}{choose}."


class OptionNote(str):
    """A note whose advice is an option; each face can add its own name of the option.

    Args:
        sentence: The note.
        option: The field's name, such as ``invert_mask``.
    """

    option: str

    def __new__(cls, sentence: str, option: str) -> Self:
        """Make it of the sentence."""
        note = super().__new__(cls, sentence)
        note.option = option
        return note

    def __reduce__(self) -> tuple[type["OptionNote"], tuple[str, str]]:
        """For its way between processes."""
        return OptionNote, (str(self), self.option)

    def worded(self, name: str) -> str:
        """The sentence with the option as it is called here."""
        return f"{self.removesuffix('.')} ({name})."
