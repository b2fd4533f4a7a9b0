"""The lab: toy problems that show in numbers what each technique of the engine does, with and without.

``experiments`` holds the one table; ``dirac``, ``ring``, ``judges``, ``checkerboard`` and ``photos``
are the problems; ``page`` and ``figures`` turn findings into a page. No technique is written here:
everything that is tried out is the engine's own piece.
"""
