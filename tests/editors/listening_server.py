"""A language server that only notes what it is asked: `python listening_server.py LOG`."""

import json
import sys


def main() -> None:
    with open(sys.argv[1], "a", encoding="utf-8") as log:
        while (message := read()) is not None:
            print(message["method"], file=log, flush=True)
            if "id" in message:
                result = {"capabilities": {}} if message["method"] == "initialize" else None
                answer({"jsonrpc": "2.0", "id": message["id"], "result": result})
            if message["method"] == "exit":
                return


def read() -> dict[str, object] | None:
    length = 0
    while line := sys.stdin.buffer.readline().strip():
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    if not length:
        return None
    message: dict[str, object] = json.loads(sys.stdin.buffer.read(length))
    return message


def answer(message: dict[str, object]) -> None:
    body = json.dumps(message).encode()
    sys.stdout.buffer.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
