"""The leak detector: whether anything that is stored under a session moves when data are changed that were not known then.

`subject` says what is judged, `perturbation` changes the future, `detection` compares; `subjects` are those of a deployment, `row_form`
those inside its sessions.
"""

from ats_assets.leakcheck.detection import Leak, Time, Unstable, find_leaks
from ats_assets.leakcheck.perturbation import KINDS, perturbed
from ats_assets.leakcheck.row_form import Timed, of_row_form
from ats_assets.leakcheck.subject import Input, Subject
from ats_assets.leakcheck.subjects import of_deployment, of_function

__all__ = [
    "KINDS",
    "Input",
    "Leak",
    "Subject",
    "Time",
    "Timed",
    "Unstable",
    "find_leaks",
    "of_deployment",
    "of_function",
    "of_row_form",
    "perturbed",
]
