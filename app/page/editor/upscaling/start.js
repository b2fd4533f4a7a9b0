// Load the module of the place to look at, and tell Gradio which events it triggers.
//
// Gradio runs this file as the body of a function, and looks in its text for the names of events, in quotes:
// 'look', 'painted' and 'turn'. The server hands the modules out under remend/.

import(new URL("remend/upscaling/place.js", document.baseURI))
  .then(({ Place }) => new Place({ element, props, trigger, watch }))
  .catch((error) => console.error(error));
