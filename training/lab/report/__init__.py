"""What trials found, as verdicts, figures and a page."""
