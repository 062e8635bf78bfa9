"""`MPC` of scripts on a devnet: kept by its nodes between scripts, through a kill and a restart, and never in clear."""

from test_devnet_command import enig, home, kill, state, up

VALUE = 0xA15E_C2E7_5EED  # as bytes it is in no file by chance
WRITES = f"""
identity alice, bob
as alice:
    private height: uint64 = {VALUE}
    MPC.set("height", height, only(bob))
    MPC["sum"] = reveal(height > 3)
print("written")
"""
COMPUTES = """
identity bob
as bob:
    height: uint64 = MPC["height"]
    private own: uint64 = 5
    print(reveal(height > 170_000_000_000_000), reveal(height + own > 180_000_000_000_000))
"""
TAKES = """
as {who}:
    height: uint64 = MPC.declassify("height")
    print(height)
"""

__all__ = ["home"]


def test_what_scripts_keep_on_a_devnet(home, tmp_path):
    def script(text, *arguments):
        path = tmp_path / "script.enig"
        path.write_text(text)
        return enig("run", path, "--network", *arguments)

    assert up("--nodes", 3, "--chain", "embedded")[-1] == "ready"
    status, vault = enig("deploy", "--vault", "--key", "alice")
    assert status == 0 and vault.startswith("0x") and len(vault) == 42
    assert enig("deploy", "--vault", "some.enig")[0] == 2
    assert script(WRITES, "--vault", vault) == (0, "written")
    assert script(COMPUTES) == (0, "True False")  # the newest vault is found
    status, said = script("identity bob" + TAKES.format(who="bob"))
    assert status == 1 and "error[E0510]" in said
    status, said = script(WRITES, "--vault", "0x" + "12" * 20)
    assert status == 1 and "error[E0516]" in said and "is no vault" in said

    kill(state()[1]["nodes"][0]["pid"])
    assert enig("devnet", "down")[0] == 0
    kept = [path.read_bytes() for path in home.rglob("*") if path.is_file()]
    for shown in (str(VALUE).encode(), VALUE.to_bytes(6, "little"), VALUE.to_bytes(6, "big")):
        assert kept and not any(shown in content for content in kept)
    assert up()[-1] == "ready"
    assert script(COMPUTES, "--vault", vault) == (0, "True False")
    assert script("identity alice" + TAKES.format(who="alice")) == (0, str(VALUE))
    assert enig("devnet", "down")[0] == 0
