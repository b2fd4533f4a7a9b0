"""The lab: toy problems that show in numbers what each technique of the engine does, with and without.

``experiments`` holds the one table. The room ``problems`` has the toy problems, ``trials`` what is run on
them for each technique, ``report`` what turns findings into a page. No technique is written here: everything
that is tried out is a piece of the engine.
"""
