"""Photos to train on, and what is done to them: crops, masks, damage."""
