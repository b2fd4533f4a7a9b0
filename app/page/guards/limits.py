"""What visitors of a page may take of the machine, in one place."""

from dataclasses import dataclass, field

from remend.app.page.guards.bodies import BodyLimits

MOST_DISK = 10 * 10**9


@dataclass(frozen=True)
class Limits:
    """The limits of one server.

    Attributes:
        body: Of what is sent.
        disk_bytes: For the files of all visitors together; None = ``MOST_DISK``, or 80 % of what is free
            where that is less. One visitor may have half of it.
        memory_bytes: For the whole program; None = 80 % of what is free.
        keep_s: Seconds after which files go; an hour at most while the folder is nearly full.
        patience_s: Seconds for which a call waits or runs while nobody listens for its answer.
        sweep_s: Seconds from one look for old files to the next.
    """

    body: BodyLimits = field(default_factory=BodyLimits)
    disk_bytes: int | None = None
    memory_bytes: int | None = None
    keep_s: float = 86_400.0
    sweep_s: float = 60.0
    patience_s: float = 10.0


DEFAULT_LIMITS = Limits()
