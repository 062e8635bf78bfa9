"""Words of 32 bytes, as a contract has them: in what is hashed and signed, and in the topics of logs."""


def number_word(number: int) -> bytes:
    """Raises OverflowError for what is negative, or has over 256 bits."""
    return number.to_bytes(32, "big")


def address_word(address: str) -> bytes:
    """Of 40 hexadecimal digits, with or without 0x. Raises ValueError for what is no address."""
    raw = bytes.fromhex(address.removeprefix("0x"))
    if len(raw) != 20:
        raise ValueError(f"{address} is no address")
    return raw.rjust(32, b"\0")
