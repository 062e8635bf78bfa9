"""Receivers of sealed outputs: are these keys that something can be encrypted to?"""

from collections.abc import Sequence

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from enigmalang.circuits.circuit import Circuit

KEY_BYTES = 32


def check_receivers(circuit: Circuit, keys: Sequence[bytes]) -> None:
    """Raise ValueError unless all keys are X25519 public keys and every output of `circuit` has one."""
    check_keys(keys)
    if any(output.recipient >= len(keys) for output in circuit.outputs):
        raise ValueError("the circuit has an output whose receiver's key was not given")


def check_keys(keys: Sequence[bytes]) -> None:
    """Raise ValueError unless all are X25519 public keys."""
    probe = X25519PrivateKey.generate() if keys else None
    for number, key in enumerate(keys):
        if len(key) != KEY_BYTES:
            raise ValueError(f"receiver {number}: an X25519 public key has {KEY_BYTES} bytes, not {len(key)}")
        if probe is not None:
            try:
                probe.exchange(X25519PublicKey.from_public_bytes(key))
            except ValueError:  # a point of small order: everyone could compute the secret
                raise ValueError(f"receiver {number}: not a usable X25519 public key") from None
