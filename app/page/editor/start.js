// Load the editor's modules, and tell Gradio which events they trigger.
//
// Gradio runs this file as the body of a function with the arguments named below, and looks in its text for the
// names of events, in quotes: 'fill' and 'upscale'. The server hands the modules out under remend/.

/* global element, props, trigger, watch, server, upload */

import(new URL("remend/editor.js", document.baseURI))
  .then(({ start }) => start({ element, props, trigger, watch, server, upload }))
  // A module that cannot be loaded, as after the server has ended, must not leave the page without a sentence.
  .catch((error) => window.remendStatus?.say(String(error), true));
