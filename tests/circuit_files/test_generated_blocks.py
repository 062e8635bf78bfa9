"""A circuit that we wrote, on the nodes: 1,000 blocks of AES-128."""

from pathlib import Path

from run_support import enig

from tests.circuit_files import circuit_files as files


def turned(text: str) -> str:
    """The program's first bit is the lowest of the first byte."""
    return hex(int.from_bytes(int(text, 16).to_bytes(16, "big"), "little"))


def test_a_thousand_blocks_of_generated_aes(tmp_path: Path) -> None:
    out, blocks = str(tmp_path / "aes.txt"), tmp_path / "blocks.txt"
    assert enig("compile", "benchmarks/programs/aes.enig", "--function", "encrypted", "--to", "bristol-fashion",
                "-o", out).returncode == 0
    lines, answers = files.aes_lines(1000)
    pairs = [line.split() for line in lines]
    blocks.write_text("".join(f"{turned(block)} {turned(key)}\n" for key, block in pairs), "utf-8")
    done = enig("circuit", "run", out, "--from", str(blocks), "--stats")
    assert done.returncode == 0, done.stderr
    assert [int(turned(line), 16) for line in done.stdout.split()] == [int(a, 16) for a in answers]
    assert "7,200,000" in done.stderr  # ANDs: 36 an S-box
