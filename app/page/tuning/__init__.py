"""Fine-tuning from the Models tab, for the person at this computer alone: the form, the watch, the sheets."""
