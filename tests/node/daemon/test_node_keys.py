"""A node's keys at rest: one password, nothing in the clear, nothing overwritten, rotations interrupted."""

import json
import pickle
import stat

import pytest
from daemon_world import PASSWORD, WORK, key_of

from enigmalang.ethereum.keys import SigningKey
from enigmalang.node.daemon.config import Config, config_of
from enigmalang.node.daemon.connection import Misconfigured
from enigmalang.node.daemon.folders import MadeAlready, check_folder, make_folder
from enigmalang.node.daemon.keys import (
    CREDENTIAL,
    PASSWORD_VARIABLE,
    BadKeys,
    KeyFolder,
    age_days,
    find_password,
    read_password,
)

GIVEN = {"chain": {"url": "http://127.0.0.1:8545", "hub": "0x" + "ab" * 20}}


def secrets_of(keys):
    return [keys.signing.reveal(), keys.storage, keys.receiving.private_bytes_raw(),
            *(line for line in keys.channel.pem.splitlines() if b"-" not in line)]


def test_one_password_opens_all(tmp_path):
    files = KeyFolder(tmp_path, WORK)
    made = files.make(PASSWORD)
    opened = KeyFolder(tmp_path).open(PASSWORD)
    assert secrets_of(opened) == secrets_of(made) and opened.channel == made.channel
    assert files.address() == opened.address and abs(age_days(opened.channel)) < 1
    assert len({made.storage, made.receiving.private_bytes_raw(), made.signing.reveal()}) == 3


def test_another_password_opens_nothing(tmp_path):
    KeyFolder(tmp_path, WORK).make(PASSWORD)
    with pytest.raises(BadKeys, match="does not open") as error:
        KeyFolder(tmp_path).open("wrong horse")
    assert "horse" not in str(error.value)


def test_nothing_secret_on_disk_or_in_a_repr(tmp_path):
    folder = tmp_path / "node"
    config = config_of(folder, GIVEN)
    keys = make_folder(config, PASSWORD, None, WORK)
    KeyFolder(folder).prepare(keys)
    everything = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    shown = repr(keys).encode() + repr(config).encode()
    for secret in secrets_of(keys):
        for text in (secret, secret.hex().encode()):
            assert text not in everything and text not in shown
    assert PASSWORD.encode() not in everything
    with pytest.raises(TypeError):
        pickle.dumps(keys)


def test_the_folder_is_its_owners_alone(tmp_path):
    folder = tmp_path / "deep" / "node"
    make_folder(config_of(folder, GIVEN), PASSWORD, None, WORK)
    for path in (folder, *folder.rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path
    check_folder(folder)
    folder.chmod(0o755)
    with pytest.raises(Misconfigured, match="chmod o-rwx"):
        check_folder(folder)


def test_nothing_is_overwritten(tmp_path):
    config = config_of(tmp_path / "node", GIVEN)
    keys = make_folder(config, PASSWORD, key_of("ann"), WORK)
    before = {path: path.read_bytes() for path in config.folder.rglob("*") if path.is_file()}
    with pytest.raises(MadeAlready, match=keys.address):
        make_folder(config, "another", None, WORK)
    assert before == {path: path.read_bytes() for path in config.folder.rglob("*") if path.is_file()}


def test_a_half_made_folder_is_completed(tmp_path):
    config = config_of(tmp_path / "node", GIVEN)
    made = KeyFolder(config.folder, WORK).make(PASSWORD, key_of("ann"))
    with pytest.raises(BadKeys, match="take another folder"):
        make_folder(config, PASSWORD, key_of("bob"), WORK)
    assert make_folder(config, PASSWORD, key_of("ann"), WORK).channel == made.channel


def test_a_rotation_that_was_interrupted(tmp_path):
    files = KeyFolder(tmp_path, WORK)
    keys = files.make(PASSWORD)
    assert files.prepared(keys) is None
    prepared = files.prepare(keys)
    assert prepared.certificate != keys.channel.certificate
    assert KeyFolder(tmp_path).open(PASSWORD).channel == keys.channel, "the old one counts"
    assert KeyFolder(tmp_path).prepare(keys) == prepared, "and the prepared one is kept"
    files.promote()
    assert KeyFolder(tmp_path).open(PASSWORD).channel == prepared and files.prepared(keys) is None


@pytest.mark.parametrize("spoil, said", [
    (lambda read: read | {"certificate": "00" + read["certificate"][2:]}, "damaged, or not of this node"),
    (lambda read: read | {"sealed": read["sealed"][:-2] + "00"}, "damaged, or not of this node"),
    (lambda read: read | {"version": 2}, "of version 2; known is 1"),
    (lambda read: read | {"sealed": 5}, "no channel key"),
    (lambda read: [], "no channel key"),
])
def test_a_channel_key_that_was_changed(tmp_path, spoil, said):
    files = KeyFolder(tmp_path, WORK)
    files.make(PASSWORD)
    path = tmp_path / "keys" / "channel.json"
    read = json.loads(path.read_text())
    if read["sealed"].endswith("00"):
        read["sealed"] = read["sealed"][:-2] + "01"
    path.write_text(json.dumps(spoil(read)))
    with pytest.raises(BadKeys, match=said):
        files.open(PASSWORD)


def test_a_channel_key_of_another_node(tmp_path):
    for name in ("a", "b"):
        KeyFolder(tmp_path / name, WORK).make(PASSWORD)
    (tmp_path / "a/keys/channel.json").write_bytes((tmp_path / "b/keys/channel.json").read_bytes())
    with pytest.raises(BadKeys, match="not of this node"):
        KeyFolder(tmp_path / "a").open(PASSWORD)


def test_where_the_password_comes_from(tmp_path):
    def file(name, text):
        path = tmp_path / name
        path.write_text(text)
        return path

    named, variable, credential = file("named", "one\nrest"), file("variable", "two\r\n"), file(CREDENTIAL, "three")
    both = {PASSWORD_VARIABLE: str(variable), "CREDENTIALS_DIRECTORY": str(tmp_path)}
    assert find_password(named, both, str) == "one"
    assert find_password(None, both, str) == "two"
    assert find_password(None, {"CREDENTIALS_DIRECTORY": str(tmp_path)}, str) == "three"
    credential.unlink()
    assert find_password(None, {"CREDENTIALS_DIRECTORY": str(tmp_path)}, lambda: "typed") == "typed"
    for path, said in ((tmp_path / "none", "No such file"), (file("empty", "\nlate"), "is empty")):
        with pytest.raises(BadKeys, match=said):
            read_password(path)


def test_a_path_that_is_too_long_for_a_socket(tmp_path):
    with pytest.raises(Misconfigured, match="shorter folder"):
        make_folder(Config(tmp_path / ("x" * 120)), PASSWORD, SigningKey.generate(), WORK)
