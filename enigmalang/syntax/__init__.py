"""From text to tree. `parser` loads lark; nothing here does before it is asked to."""
