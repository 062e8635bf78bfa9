"""Circuits made by others (README.md), and standard answers to hold them to."""

import gzip
import hashlib
import secrets
from pathlib import Path

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

FOLDER = Path(__file__).resolve().parent
#: FIPS 197, appendix C.1: key, block, ciphertext.
AES = (0x000102030405060708090A0B0C0D0E0F, 0x00112233445566778899AABBCCDDEEFF, 0x69C4E0D86A7B0430D8CDB78070B4C55A)


def text(name: str) -> str:
    """The circuit `name`, without its `.txt`."""
    path = FOLDER / f"{name}.txt"
    return path.read_text("utf-8") if path.exists() else gzip.decompress(Path(f"{path}.gz").read_bytes()).decode()


def unpacked(name: str, folder: Path) -> Path:
    path = folder / f"{name}.txt"
    path.write_text(text(name), "utf-8")
    return path


def aes_lines(count: int) -> tuple[list[str], list[str]]:
    """Lines `key block` and the ciphertexts that the `cryptography` package gives."""
    lines, answers = [], []
    for _ in range(count):
        key, block = secrets.token_bytes(16), secrets.token_bytes(16)
        encryptor = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
        lines.append(f"0x{key.hex()} 0x{block.hex()}")
        answers.append(f"0x{(encryptor.update(block) + encryptor.finalize()).hex()}")
    return lines, answers


def padded(message: bytes) -> int:
    """A message of at most 55 bytes as its one block (FIPS 180-4, 5.1.1)."""
    block = message + b"\x80" + bytes(55 - len(message)) + (8 * len(message)).to_bytes(8, "big")
    return int.from_bytes(block, "big")


def sha256(message: bytes) -> int:
    return int.from_bytes(hashlib.sha256(message).digest(), "big")
