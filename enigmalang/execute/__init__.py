"""Running a plan: the interpreter, its engines, and the ports it reaches the world through."""
