"""What visitors of a page may take of the machine, in one place."""

from dataclasses import dataclass, field

from remend.app.page.guards.bodies import BodyLimits


@dataclass(frozen=True)
class Limits:
    """The limits of one server.

    Attributes:
        body: Of what is sent.
    """

    body: BodyLimits = field(default_factory=BodyLimits)


DEFAULT_LIMITS = Limits()
