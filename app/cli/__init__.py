"""The command line: options, one module for each larger command, and what is printed."""
