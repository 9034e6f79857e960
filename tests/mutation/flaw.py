"""One flaw: what it takes out of the rules, and by what it is caught."""
from collections import namedtuple

# rule   the name that the rules' model (rules.py) gives to what it breaks, or a few words where that has none
# old    stands in the file exactly once; several, as tuples of equal length, where conditions guard one thing together
# by     the tests that catch it, each alone: a C test, a script (….t), or `simulation P4`: the simulation, by that very
#        property. Without it, plant chooses by path, and one of what it chooses must.
Mutant = namedtuple("Mutant", "rule path old new by", defaults=(None,))
