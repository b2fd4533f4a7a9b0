"""The Repair tab: open photos, what the browser may ask about them, and the paint on them."""
