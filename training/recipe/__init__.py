"""What a recipe can say, how its file is read, and the shipped ones."""
