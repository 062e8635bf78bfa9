"""Keys in encrypted files, and the commands that make them. eth_account is the oracle of the format."""

import io
import json

import pytest
from eth_account import Account

from enigmalang.cli import app
from enigmalang.ethereum import keystore
from enigmalang.ethereum.hashing import checksummed
from enigmalang.ethereum.keys import SigningKey
from enigmalang.identity import files
from enigmalang.identity.files import BadKeystore, BadPassword, KeyFiles, NoSuchKey, TakenName, read_key

SECRET = "4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318"
ADDRESS = "0x2c7536e3605d9c16a7a3d7b1898e529396a65c23"
LIGHT = 2**10


@pytest.fixture
def keys(tmp_path):
    return KeyFiles(tmp_path / "keys", work=LIGHT)


@pytest.fixture
def own_home(tmp_path, monkeypatch):
    """The commands' folder; passwords there are cheap to guess, so that tests are quick."""
    monkeypatch.setenv("ENIGMALANG_HOME", str(tmp_path))
    monkeypatch.setattr(KeyFiles.__init__, "__defaults__", (None, LIGHT))
    (tmp_path / "password").write_text("secret word\n")
    return tmp_path


def key():
    return SigningKey(bytes.fromhex(SECRET))


def run(*arguments):
    return app.run(["keys", *map(str, arguments)])


def test_what_is_kept_is_found(keys):
    added = keys.add("alice", key(), "word")
    assert (added.name, added.address) == ("alice", ADDRESS)
    assert keys.list() == (added,)
    assert keys.load("alice", "word").reveal().hex() == SECRET


def test_files_are_for_their_owner_alone(keys):
    added = keys.add("alice", key(), "word")
    assert added.path.stat().st_mode & 0o777 == 0o600
    assert keys.folder.stat().st_mode & 0o777 == 0o700
    assert [path.name for path in keys.folder.iterdir()] == ["alice.json"]
    assert SECRET not in added.path.read_text()


def test_ethereums_programs_read_our_files(keys):
    added = keys.add("alice", key(), "wörd")
    assert Account.decrypt(json.loads(added.path.read_text()), "wörd").hex() == SECRET


@pytest.mark.parametrize("kdf", ["scrypt", "pbkdf2"])
def test_we_read_theirs(kdf):
    theirs = Account.encrypt(SECRET, "word", kdf=kdf, iterations=LIGHT)
    assert keystore.decrypt(theirs, "word").address == ADDRESS
    with pytest.raises(BadPassword):
        keystore.decrypt(theirs, "Word")


def test_a_wrong_password(keys):
    keys.add("alice", key(), "word")
    with pytest.raises(BadPassword, match="alice"):
        keys.load("alice", "other")


def test_a_name_is_given_once(keys):
    keys.add("alice", key(), "word")
    before = (keys.folder / "alice.json").read_bytes()
    with pytest.raises(TakenName):
        keys.add("alice", SigningKey.generate(), "word")
    assert (keys.folder / "alice.json").read_bytes() == before


@pytest.mark.parametrize("name", ["", ".hidden", "a/b", "..", "a b", "x" * 65, "ä"])
def test_what_cannot_be_a_name(keys, name):
    with pytest.raises(NoSuchKey):
        keys.add(name, key(), "word")
    with pytest.raises(NoSuchKey):
        keys.load(name, "word")


def test_a_name_without_a_key(keys):
    with pytest.raises(NoSuchKey, match="enig keys list"):
        keys.load("bob", "word")
    assert keys.list() == ()


def spoiled(path, value):
    file = keystore.encrypt(key(), "word", LIGHT)
    place = file
    for step in path[:-1]:
        place = place[step]
    if value is None:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return file


@pytest.mark.parametrize(("path", "value"), [
    (["version"], 2), (["version"], None), (["crypto"], None), (["crypto", "cipher"], "rot13"),
    (["crypto", "kdf"], "md5"), (["crypto", "kdfparams", "n"], 2**30), (["crypto", "kdfparams", "n"], 1000),
    (["crypto", "kdfparams", "p"], 100), (["crypto", "kdfparams", "dklen"], 16), (["crypto", "kdfparams", "salt"], 5),
    (["crypto", "ciphertext"], "no hex"), (["crypto", "mac"], None), (["address"], "11" * 20),
    (["crypto", "cipherparams", "iv"], "00"),
])
def test_files_that_are_none(path, value):
    with pytest.raises(BadKeystore):
        keystore.decrypt(spoiled(path, value), "word")


def test_too_many_rounds():
    theirs = Account.encrypt(SECRET, "word", kdf="pbkdf2", iterations=LIGHT)
    theirs["crypto"]["kdfparams"]["c"] = 10**9
    with pytest.raises(BadKeystore, match="too many"):
        keystore.decrypt(theirs, "word")


def test_a_changed_ciphertext_is_seen():
    file = keystore.encrypt(key(), "word", LIGHT)
    file["crypto"]["ciphertext"] = "00" * 32
    with pytest.raises(BadPassword):
        keystore.decrypt(file, "word")


def test_a_damaged_file(keys):
    keys.add("alice", key(), "word").path.write_text("{")
    with pytest.raises(BadKeystore, match=r"alice\.json is no keystore file .* only a copy"):
        keys.load("alice", "word")
    assert keys.list() == ()


def test_a_file_with_other_json(keys):
    keys.add("alice", key(), "word").path.write_text("[]")
    with pytest.raises(BadKeystore, match=r"alice\.json: not a keystore file"):
        keys.load("alice", "word")


def test_a_folder_where_a_key_should_be(keys):
    keys.folder.mkdir(exist_ok=True)
    (keys.folder / "alice.json").mkdir()
    with pytest.raises(BadKeystore, match=r"alice\.json cannot be read: Is a directory"):
        keys.load("alice", "word")


@pytest.mark.parametrize("text", ["", "0x", "12", "00" * 32, "ff" * 32, "[1]", "hello", SECRET + "00"])
def test_no_key_is_read_from_other_text(text):
    with pytest.raises(BadKeystore) as caught:
        read_key(text)
    assert not text or text not in str(caught.value)


def test_home(monkeypatch, tmp_path):
    monkeypatch.setenv("ENIGMALANG_HOME", str(tmp_path))
    assert files.home() == tmp_path
    monkeypatch.delenv("ENIGMALANG_HOME")
    assert files.home().name == ".enigmalang"


# ---- the commands

def test_new_and_list(own_home, capsys):
    assert run("new", "alice", "--password-file", own_home / "password") == 0
    shown = capsys.readouterr().out
    (made,) = KeyFiles().list()
    assert shown == f"alice  {checksummed(made.address)}\n"
    assert KeyFiles().load("alice", "secret word").address == made.address
    assert run("list") == 0
    assert capsys.readouterr().out == shown


def test_a_new_key_does_not_replace_another(own_home, capsys):
    assert run("new", "alice", "--password-file", own_home / "password") == 0
    assert run("new", "alice", "--password-file", own_home / "password") == 1
    assert "already" in capsys.readouterr().err
    assert run("new", "../alice", "--password-file", own_home / "password") == 1


def test_no_keys_yet(own_home, capsys):
    assert run("list") == 0
    said = capsys.readouterr()
    assert (said.out, "enig keys new NAME" in said.err) == ("", True)


@pytest.mark.parametrize("text", [SECRET, f"0x{SECRET.upper()}\n"])
def test_import_of_digits(own_home, capsys, text):
    (own_home / "key").write_text(text)
    assert run("import", "bob", own_home / "key", "--password-file", own_home / "password") == 0
    assert KeyFiles().load("bob", "secret word").address == ADDRESS
    said = capsys.readouterr()
    assert SECRET not in (said.out + said.err).lower()


def test_import_from_standard_input(own_home, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO(SECRET))
    assert run("import", "bob", "-", "--password-file", own_home / "password") == 0
    assert KeyFiles().load("bob", "secret word").address == ADDRESS


def test_import_of_another_programs_file(own_home, capsys):
    (own_home / "key.json").write_text(json.dumps(Account.encrypt(SECRET, "secret word", iterations=LIGHT)))
    (own_home / "wrong").write_text("secret\n")
    assert run("import", "bob", own_home / "key.json", "--password-file", own_home / "wrong") == 1
    assert "does not open" in capsys.readouterr().err
    assert run("import", "bob", own_home / "key.json", "--password-file", own_home / "password") == 0
    assert KeyFiles().load("bob", "secret word").address == ADDRESS


def test_import_of_something_else(own_home, capsys):
    (own_home / "key").write_text("a poem")
    assert run("import", "bob", own_home / "key", "--password-file", own_home / "password") == 1
    assert "64 hex digits" in capsys.readouterr().err
    assert run("import", "bob", own_home / "nothing") == app.USAGE


def test_a_password_is_typed_twice(own_home, monkeypatch, capsys):
    typed = iter(["one", "other", "one", "one"])
    monkeypatch.setattr("click.termui.hidden_prompt_func", lambda _: next(typed))
    assert run("new", "alice") == 0
    assert KeyFiles().load("alice", "one")
    said = capsys.readouterr()
    assert "Password of alice" not in said.out
