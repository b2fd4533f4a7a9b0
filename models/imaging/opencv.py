"""The only module that imports OpenCV: at first use, and with its messages switched off.

OpenCV links libGL and glib, which a bare server may lack; the import then fails with a loader message
that does not say what to do. Importing it here, at first use, keeps every command that needs no OpenCV
working and turns that failure into one sentence. No function of OpenCV is wrapped.
"""

from remend.models.errors import RequestError


# No return annotation: the inferred module type brings OpenCV's own types to the callers.
def load_opencv():
    """Import OpenCV and return the module ``cv2``.

    Raises:
        RequestError: OpenCV or a system library that it links is missing.
    """
    try:
        import cv2
    except ImportError as error:
        raise RequestError(
            f"OpenCV cannot be loaded ({error}); install libgl1 and libglib2.0-0 with your "
            "system's package manager, or opencv-python-headless instead of opencv-python."
        ) from error
    # OpenCV prints its decoders' complaints on stderr; our own sentences replace them.
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    return cv2
