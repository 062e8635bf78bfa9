# pragma version 0.4.3
"""
@title EnigmaLang's hub
@notice Nodes and their deposits, committees, jobs and their fees, the log L, shared identities, predicates and
        pointers to data. Nobody has power over it: its parameters are fixed at deployment, and money leaves it only
        to whom it is owed.
"""

import committees
import identities
import jobs
import ledger
import nodes
import pointers
import signing

initializes: nodes
initializes: committees[nodes := nodes]
initializes: jobs[committees := committees, nodes := nodes]
initializes: ledger
initializes: identities
initializes: pointers[identities := identities, nodes := nodes]

exports: (
    nodes.register, nodes.update, nodes.top_up, nodes.leave, nodes.node, nodes.is_active,
    nodes.MINIMUM_DEPOSIT, nodes.UNBONDING,
)
exports: signing.domain
exports: (
    committees.form, committees.withdraw, committees.claim, committees.owed, committees.committee,
    committees.seat, committees.committees_of, committees.committee_count, committees.MAX_JOB_TIME,
)
exports: (
    jobs.attach, jobs.reattach, jobs.open, jobs.settle, jobs.settle_failure, jobs.fail, jobs.accuse, jobs.job,
    jobs.attachment, jobs.next_job, jobs.price, jobs.job_count, jobs.JOB_TIME, jobs.ROUND_WEIGHT, jobs.PRODUCT_WEIGHT,
    jobs.ADDITION_WEIGHT,
)
exports: (
    identities.declare, identities.create_identity, identities.update_policy, identities.members_of,
    identities.policy, identities.rule, identities.decide_at, identities.ACCOUNT,
)
exports: (
    pointers.point, pointers.record_refusal, pointers.pointer, pointers.may, pointers.may_data,
    pointers.may_data_signed,
)
exports: (ledger.write, ledger.count, ledger.has, ledger.entry, ledger.latest, ledger.at)


@deploy
def __init__(minimum_deposit: uint256, unbonding: uint256, job_time: uint256, max_job_time: uint256,
             round_weight: uint256, product_weight: uint256, addition_weight: uint256, account: address):
    """
    @param minimum_deposit wei that a node puts down at least
    @param unbonding seconds of notice before a node gets its deposit back; at least two of the longest jobs
    @param job_time seconds that a job may take unless its contract says otherwise
    @param max_job_time the most that it may say
    @param round_weight wei for a round of a job; likewise for a product and an addition
    @param account blueprint of Account.vy
    """
    nodes.__init__(minimum_deposit, unbonding)
    committees.__init__(max_job_time)
    jobs.__init__(job_time, round_weight, product_weight, addition_weight)
    identities.__init__(account)
