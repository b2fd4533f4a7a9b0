"""The parts of the web page: what is kept of a photo, what the browser is shown of it, and the tabs.

`app.page.server` puts them together and starts the server. Gradio looks at the variable below whenever it
might ask the network for something; set here, no part of the page can be used without it.
"""

import os

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"

MODEL_QUEUE = "model"
"""The queue's name for all events that run a network: one at a time, whoever asked."""
