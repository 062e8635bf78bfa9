"""The plan and its canonical bytes: the waist between compiling and running."""
