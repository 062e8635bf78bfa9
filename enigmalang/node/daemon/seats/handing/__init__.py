"""A contract goes from its committee to another one: when it is due, who leads it, how its shares get there.

`handing` is all of it at one member. `due` says when; `facts` reads what that depends on, `worth` which contracts
count; `successors` gets the other committee formed; `driving` leads a hand-over; `taking` is what each member does in
one; `holding` has jobs wait for it; `moving` moves the shares; `applying` follows the chain's word.
"""
