"""Dialogues again, with every second account at another server: to what clients see that makes no difference.

They are those about what people send each other; what is about an account, a login or a host has no place here. Those
of them that cannot be played so are named below, each with its reason; that they cannot is tested, too.
"""

from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.trial.unittest import TestCase

from tests.dialogues.services import SERVICES
from tests.dialogues.test_dialogues import FOLDER
from xmppd.testing.federated import FederatedStage, moved
from xmppd.testing.runner import Runner
from xmppd.testing.script import Script, read_script

ONE_HOST: Final = (
    "it is about the accounts of one host: its groups, its components, who may do what at its services"
)
SPELLING: Final = "it spells an address of that host otherwise"
BEHIND: Final = "what an account elsewhere answers comes behind the result of the request, not before it"
PROBED: Final = (
    "contacts elsewhere are probed, so that what they show has a delay, and is for the one resource"
)
UNCHANGED: Final = (
    "an unsubscribed that changes no roster is not delivered, and from elsewhere it comes to the account"
)
BARE: Final = "which resources are there at another server, or block what, only that server knows"
ASKS: Final = "each of the two servers asks for the capabilities of its own clients"
FOLDERS: Final = (
    *(
        "rfc6120",
        "rfc6121",
        "xep0012",
        "xep0030",
        "xep0045",
        "xep0049",
        "xep0054",
        "xep0115",
        "xep0160",
        "xep0163",
    ),
    *(
        "xep0191",
        "xep0198",
        "xep0280",
        "xep0313",
        "xep0334",
        "xep0352",
        "xep0356",
        "xep0357",
        "xep0359",
        "xep0384",
    ),
    *(
        "xep0410",
        "xep0424",
        "xep0425",
        "xep0431",
        "xep0441",
        "xep0486",
        "xep0500",
        "xep0317",
        "xep0249",
        "xep0421",
        "xep0308",
    ),
)
NOT_ACROSS: Final = {
    "rfc6120/10.5-accounts-look-alike": SPELLING,
    "rfc6120/8.1.1-to-is-prepared": SPELLING,
    "xep0359/3-forged-ids-are-removed": SPELLING,
    "rfc6121/2.2-shared-groups": ONE_HOST,
    "rfc6121/2.5-remove": BEHIND,
    "rfc6121/4.2-initial-presence": PROBED,
    "rfc6121/4.3-probe-of-who-was-removed": UNCHANGED,
    "rfc6121/4.3-probes": UNCHANGED,
    "xep0045/10.1.1-who-may-make-rooms": ONE_HOST,
    "xep0045/10.9-destroy": ONE_HOST,
    "xep0115/5.4-wrong-hash": ASKS,
    "xep0115/6.2-asked-once": ASKS,
    "xep0163/4-items": ONE_HOST,
    "xep0163/extended-presence": ONE_HOST,
    "xep0163/roster-groups": ONE_HOST,
    "xep0163/4.2-contact": ASKS,
    "xep0163/4.3.4-last-item": ASKS,
    "xep0191/3.3-directed-presence": ONE_HOST,
    "xep0191/3.3-one-resource": BARE,
    "xep0191/3.3-presence-of-contacts": BEHIND,
    "xep0356/presence": ONE_HOST,
}


class FederatedTests(TestCase):
    """One test for each dialogue of these folders with two accounts or more."""

    def test_those_that_are_named(self) -> None:
        """Each of the exceptions is one."""
        for name in NOT_ACROSS:
            self.assertIsNotNone(moved(read_script(FOLDER / f"{name}.txt")), name)


def _test(script: Script, why_not: str | None) -> Any:
    def test(self: FederatedTests) -> Deferred[None]:
        played = Deferred.fromCoroutine(_play(script))
        if why_not is None:
            return played
        return self.assertFailure(played, AssertionError).addCallback(lambda _: None)

    test.__doc__ = script.doc if why_not is None else f"Not so, since {why_not}: {script.doc}"
    return test


async def _play(script: Script) -> None:
    runner = Runner(script, FederatedStage(script.options, SERVICES))
    try:
        await runner.run()
    finally:
        runner.finish()


for _path in sorted(path for name in FOLDERS for path in (FOLDER / name).rglob("*.txt")):
    _script = moved(read_script(_path))
    if _script is not None:
        _key = _path.relative_to(FOLDER).with_suffix("").as_posix()
        _name = _key.replace("/", "_").replace("-", "_")
        setattr(FederatedTests, f"test_{_name}", _test(_script, NOT_ACROSS.get(_key)))
