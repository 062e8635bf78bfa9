"""Jobs: fees, payments, signatures, deadlines; nobody can take what is not theirs."""

from actors import DEPOSIT, World

FEE, PAYMENT = 10**15, 10**16
OPEN, FULFILLED, FAILED, EXPIRED = 1, 2, 3, 4


def test_a_fulfilled_job_pays_the_contract_the_nodes_and_the_rest_back(world: World):
    job = world.request(world.alice, FEE, PAYMENT)
    receipt = world.fulfil(job, world.nodes[:2])
    share = world.price() // 3
    assert world.machine.balance(world.contract.address) == PAYMENT
    assert [world.owed(node) for node in world.nodes] == [share] * 3
    assert world.owed(world.alice) == FEE - 3 * share
    _, event = next(log for log in receipt.logs if log[0] == "Settled")
    assert (event["job"], event["paid"]) == (job, 3 * share)
    assert event["work"] == {"rounds": 10, "products": 100, "additions": 1000}
    assert world.hub.call("job", job)["status"] == FULFILLED
    before = world.machine.balance(world.nodes[2].address)
    assert world.hub.send("claim", sender=world.nodes[2].address).value == share
    assert world.machine.balance(world.nodes[2].address) == before + share
    assert world.machine.balance(world.hub.address) == 3 * DEPOSIT + FEE - share
