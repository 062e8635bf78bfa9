"""What a node keeps for ever: keys of its committees, masks that were given, private state of contracts, plans.

`state` is the port with its twin in memory, `sqlite` the file; `values` are shares on their way in and out of a
session; `handed` is what another committee hands over, `handover` how shares are named on their way; `keys` agrees and
mends the keys of a committee; `muster` is how members compare before a job.
"""
