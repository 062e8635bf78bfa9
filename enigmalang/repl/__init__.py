"""The session of `enig repl`: inputs one by one, nodes that stay.

At the terminal: `prompt`, `complete`, `lines`; without one: `piped`. `interactive` takes inputs and `commands` to
answers (`asking`, `nodes`, `show`, `signatures`); `session` compiles them, with `declarations` and `secrecy`; `network`
keeps the worker processes. What is written down: `history`, `saving`, and `redact`, which takes secrets out of both.
`settings` are the options.
"""
