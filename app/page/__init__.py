"""The web page: its tabs, the photos that visitors have open, and what the browser is shown of them.

``server`` puts the tabs together and serves them. Gradio and the library that it brings look at the
variables below whenever they might ask the network for something; set here, no part of the page can be used
without them.
"""

import os

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
os.environ["HF_HUB_OFFLINE"] = "1"

MODEL_QUEUE = "model"
"""Name of the queue of all events that run a network: one at a time, whoever asked."""
