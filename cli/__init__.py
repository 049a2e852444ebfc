"""The `memento` command line: one file per command group. Heavy libraries are imported inside commands."""
