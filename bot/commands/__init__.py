"""The command line: one module a group, one group of them all."""
