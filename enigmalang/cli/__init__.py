"""The command line: one module a command, loaded when it is asked for."""


def main() -> None:
    """Entry point of `enig`. Exit status: 0 fine, 1 diagnostics, 2 wrong usage, 70 a bug of ours, 130 Ctrl-C."""
    try:
        import sys

        from enigmalang.cli.app import run
    except KeyboardInterrupt:
        sys.stderr.write("enig: interrupted\n")
        raise SystemExit(130) from None
    sys.exit(run(sys.argv[1:]))
