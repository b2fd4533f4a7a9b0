"""What the faces share: loaded models, the catalogue of weights, devices, memory and folders of the user."""
