"""What the page's server checks of every request before Gradio sees it: small ASGI layers, one a module.

``stack`` puts them together. A refusal is an answer with one sentence, in the language of the browser.
"""
