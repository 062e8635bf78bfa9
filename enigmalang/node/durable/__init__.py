"""What a node keeps for ever: keys of its committees, masks that were given, private state of contracts, plans.

`state` is the port with its twin in memory; `sqlite` is behind it, over `file` and `box` (encryption). `values` are
what is kept, `shares` their way in and out of a session; `keeping` takes, stages and settles them, `settling` by what
the chain took; `masks` were given to clients. `handed` is what another committee hands over, `handover` how shares are
named on their way; `keys` agrees and mends the keys of a committee; `muster` is how members compare before a job.
`points`: where tests make a node die; `errors`.
"""
