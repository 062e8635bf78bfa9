"""`enig lsp`: the language server that editors start."""

import click


@click.command("lsp")
@click.option("--stdio", is_flag=True, help="Speak over stdin and stdout. This is always so; editors like to say it.")
def command(stdio: bool) -> int:
    """Serve editors: errors as one types, hover, definitions, rename, completion, formatting, fixes.

    An editor starts this and speaks the Language Server Protocol with it over stdin and stdout. It compiles what is
    open, and never runs it.

    \b
    Neovim:  vim.lsp.start({ name = "enig", cmd = { "enig", "lsp" } })
    Helix:   [language-server.enig]
             command = "enig"
             args = ["lsp"]
    """
    from enigmalang.lsp.server import serve

    return serve()
