"""Errors: an option's error carries its field, and survives the way between processes."""

import pickle

from remend.models.errors import OptionError


def test_an_error_about_an_option_travels_whole():
    error = OptionError("feather", 2000, "is out of range", "0 to 1000")
    assert str(error) == "feather=2000 is out of range; choose 0 to 1000."
    again = pickle.loads(pickle.dumps(error))
    assert (again.option, again.value, again.problem, again.limit) == (
        "feather",
        2000,
        "is out of range",
        "0 to 1000",
    )
    assert str(again) == str(error)
    assert error.worded("--feather 2000") == "--feather 2000 is out of range; choose 0 to 1000."
