"""What contract code can do; scripts and tests add `client.CLIENT`."""

from enigmalang.execute.databases import DATABASES
from enigmalang.execute.external import external_call
from enigmalang.execute.machine import Handler
from enigmalang.execute.state import STATE

CONTRACT: dict[str, Handler] = {**STATE, **DATABASES, "external_call": external_call}
