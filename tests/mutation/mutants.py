"""All flaws to plant, and the few of them that continuous integration plants."""
from flaws_client import CLIENT
from flaws_forget import FORGET
from flaws_log import LOG
from flaws_named import NAMED, PROPERTIES
from flaws_people import PEOPLE
from flaws_places import PLACES
from flaws_roster import ROSTER
from flaws_server import SERVER

MUTANTS = ROSTER + LOG + CLIENT + PEOPLE + FORGET + PLACES + SERVER + NAMED + PROPERTIES
# One of each kind, caught quickly: what continuous integration plants.
SAMPLE = ["close_devrm", "P2: what was acknowledged is durable", "P3: a log that goes back", "P4: nothing is sealed while new keys are due"]
