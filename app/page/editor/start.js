// Load the editor's modules, and tell Gradio which events they trigger.
//
// Gradio runs this file as the body of a function of the six names below, and looks in its text for the names of
// events, in quotes: 'fill', 'versions' and 'upscale'. The server hands the modules out under remend/.

import(new URL("remend/editor.js", document.baseURI))
  .then(({ start }) => start({ element, props, trigger, watch, server, upload }))
  // A module that cannot be loaded, as after the server has ended, must not leave the page without a sentence.
  .catch((error) => window.remendStatus?.say(String(error), true));
