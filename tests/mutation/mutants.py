"""All flaws to plant, and the few of them that continuous integration plants."""
from flaws_client import CLIENT
from flaws_forget import FORGET
from flaws_people import PEOPLE
from flaws_roster import ROSTER
from flaws_server import SERVER

MUTANTS = ROSTER + CLIENT + PEOPLE + FORGET + SERVER
# One of each kind, caught quickly: what continuous integration plants.
SAMPLE = ["close_devrm", "draft_due", "a log that goes back", "acknowledged is durable"]
