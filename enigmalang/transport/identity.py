"""Keys of the channels: a key pair and self-signed certificate per process and run, and TLS contexts from
them.

Who a peer is, is decided by its certificate being *the* certificate registered for its number; TLS proves
that the peer holds the private key. A valid chain alone says nothing. Private keys stay in memory: `ssl`
loads keys from files only, so the key passes through a memory file (Linux), or a file in a private
directory that is gone when loading is done.
"""

import os
import ssl
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

#: A run's certificates are pinned one by one; their dates only have to survive clocks that disagree.
VALID = timedelta(days=366)
MAX_CERTIFICATE_BYTES = 2048


@dataclass(frozen=True, slots=True)
class ChannelKey:
    """A private key (PEM, hidden) and its certificate (DER, public)."""

    certificate: bytes
    pem: bytes = field(repr=False)

    def __reduce__(self) -> str:
        raise TypeError("a private key is not pickled")


def new_key(name: str) -> ChannelKey:
    """A fresh Ed25519 key with a self-signed certificate; `name` is for people who look at it only."""
    private = Ed25519PrivateKey.generate()
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - VALID)
        .not_valid_after(now + VALID)
        .sign(private, None)
    )
    key = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return ChannelKey(certificate.public_bytes(Encoding.DER), key + certificate.public_bytes(Encoding.PEM))


def server_context(key: ChannelKey, peers: Iterable[bytes]) -> ssl.SSLContext:
    """TLS 1.3 for the accepting end; a client must show one of the certificates `peers`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.num_tickets = 0  # no resumption: every connection proves both keys, and the server stays silent
    return _harden(context, key, peers)


def client_context(key: ChannelKey, peers: Iterable[bytes]) -> ssl.SSLContext:
    """TLS 1.3 for the dialling end; the server must show one of the certificates `peers`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False  # the caller compares the whole certificate
    return _harden(context, key, peers)


def _harden(context: ssl.SSLContext, key: ChannelKey, peers: Iterable[bytes]) -> ssl.SSLContext:
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_3
    context.verify_mode = ssl.CERT_REQUIRED
    for certificate in peers:
        if not 0 < len(certificate) <= MAX_CERTIFICATE_BYTES:
            raise ValueError(f"certificate of {len(certificate)} bytes, at most {MAX_CERTIFICATE_BYTES}")
        context.load_verify_locations(cadata=certificate)
    with _private_file(key.pem) as path:
        context.load_cert_chain(path)
    return context


@contextmanager
def _private_file(data: bytes) -> Iterator[str]:
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("enigmalang", os.MFD_CLOEXEC)
        try:
            os.write(descriptor, data)
            yield f"/proc/self/fd/{descriptor}"
        finally:
            os.close(descriptor)
        return
    with tempfile.TemporaryDirectory() as folder:  # mode 0700
        path = os.path.join(folder, "key")
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(data)
        yield path
