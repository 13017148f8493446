"""promises#survives-a-kill, of nodes: a server killed at random moments while accounts publish and change their nodes.

What was answered with a result is so afterwards: published items are there, retracted ones are not, nodes, members and
subscriptions of a service are what they were made. What was under way may be either, as a whole.
"""

import asyncio
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Final, NamedTuple
from xml.etree.ElementTree import Element, tostring

from benchmarks.soak.client import PATIENCE_S
from tests.faults.contract import OPTIONS
from tests.faults.device import PASSWORD, Device
from tests.faults.parties import Broken
from tests.sockets.process import ServerProcess

NS: Final = "http://jabber.org/protocol/pubsub"
NS_OWNER: Final = f"{NS}#owner"
SERVICE: Final = "pubsub.localhost"
COMPONENT: Final = f"""
[components."{SERVICE}"]
module = "pubsub"
"""
NODE: Final = "urn:example:kept"
CONFIG: Final = (
    "<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE' type='hidden'><value>"
    f"{NS}#{{kind}}</value></field><field var='pubsub#max_items'><value>max</value></field>{{more}}</x>"
)
OPTIONS_OF_ITEMS: Final = (
    f"<publish-options>{CONFIG.format(kind='publish-options', more='')}</publish-options>"
)
WITH_TITLE: Final = CONFIG.format(
    kind="node_config", more="<field var='pubsub#title'><value>t</value></field>"
)


class Step(NamedTuple):
    """One request: what it makes true or not, and how it is asked for."""

    key: str
    wanted: bool
    payload: str
    is_personal: bool = True


class Publisher(Device):
    """An account with a node of its own, and with nodes at the service."""

    def __init__(self, number: int) -> None:
        super().__init__(f"p{number}@localhost", "d")
        self.done = 0
        self._name = f"of-p{number}"
        self._steps = self._all_steps()
        self._is_true: dict[str, bool] = {}
        self._unsure: dict[str, bool] = {}
        self._asked = count()

    async def come(self, port: int) -> None:
        """Log in afresh; what was not promised is not sent again."""
        self.waiting.clear()
        await self.connect(port, is_resuming=False)

    async def work(self) -> None:
        """Take one step after the other until the connection is lost."""
        while self.is_connected:
            step = next(self._steps)
            if not step.wanted and not self._is_true[step.key]:
                continue  # it was interrupted before it came to be
            self._unsure[step.key] = step.wanted
            try:
                answer = await self._ask(step.payload, "set", is_personal=step.is_personal)
            except asyncio.CancelledError:
                return
            if answer.get("type") != "result":
                raise Broken(f"{step.key} was refused: {tostring(answer).decode()}")
            self._is_true[step.key] = self._unsure.pop(step.key)
            self.done += 1

    async def check(self) -> None:
        """Compare what is there with what was answered."""
        found = await self._found()
        for key, is_true in self._is_true.items():
            if key not in self._unsure and (key in found) != is_true:
                raise Broken(f"{self.account}: {key} is {'not ' * is_true}there")
        strange = found - self._is_true.keys() - self._unsure.keys()
        if strange:
            raise Broken(f"{self.account}: nobody asked for {sorted(strange)[:5]}")
        self._is_true.update((key, key in found) for key in self._unsure)
        self._unsure.clear()

    def _all_steps(self) -> Iterator[Step]:
        create = f"<pubsub xmlns='{NS}'><create node='{self._name}'/></pubsub>"
        while not self._is_true.get("node"):  # its creation may be what a kill interrupts
            yield Step("node", True, create, is_personal=False)
        for n in count(1):
            item = f"<item id='{n}'><a xmlns='of:ours'>{n}</a></item>"
            publish = f"<publish node='{NODE}'>{item}</publish>{OPTIONS_OF_ITEMS}"
            yield Step(f"item {n}", True, f"<pubsub xmlns='{NS}'>{publish}</pubsub>")
            if n % 3 == 0:
                retract = f"<retract node='{NODE}'><item id='{n - 1}'/></retract>"
                yield Step(f"item {n - 1}", False, f"<pubsub xmlns='{NS}'>{retract}</pubsub>")
            yield from self._at_service(n)

    def _at_service(self, n: int) -> Iterator[Step]:
        name = f"{self._name}-{n}"
        if n % 4 == 0:
            create = f"<create node='{name}'/><configure>{WITH_TITLE}</configure>"
            yield Step(f"node {n}", True, f"<pubsub xmlns='{NS}'>{create}</pubsub>", is_personal=False)
        if n % 8 == 0:
            delete = f"<delete node='{self._name}-{n - 4}'/>"
            yield Step(f"node {n - 4}", False, f"<pubsub xmlns='{NS_OWNER}'>{delete}</pubsub>", False)
        if n % 5 == 0:
            member = f"<affiliation jid='m{n}@localhost' affiliation='member'/>"
            members = f"<affiliations node='{self._name}'>{member}</affiliations>"
            yield Step(f"member {n}", True, f"<pubsub xmlns='{NS_OWNER}'>{members}</pubsub>", False)
        if n % 7 == 0:
            one = f"<subscription jid='s{n}@localhost' subscription='subscribed'/>"
            those = f"<subscriptions node='{self._name}'>{one}</subscriptions>"
            yield Step(f"subscriber {n}", True, f"<pubsub xmlns='{NS_OWNER}'>{those}</pubsub>", False)

    async def _ask(self, payload: str, type: str, *, is_personal: bool) -> Element:
        id = f"q{next(self._asked)}"
        answer = self.answers[id] = asyncio.get_running_loop().create_future()
        to = "" if is_personal else f" to='{SERVICE}'"
        self.send(f"<iq type='{type}' id='{id}'{to}>{payload}</iq>".encode())
        return await asyncio.wait_for(answer, PATIENCE_S)

    async def _found(self) -> set[str]:
        found = {f"item {id}" for id in await self._items()}
        disco = "<query xmlns='http://jabber.org/protocol/disco#items'/>"
        listed = await self._ask(disco, "get", is_personal=False)
        for each in listed.iter("{http://jabber.org/protocol/disco#items}item"):
            name = each.get("node") or ""
            if name == self._name:
                found.add("node")
            elif name.startswith(f"{self._name}-"):
                found.add(f"node {name.rpartition('-')[2]}")
                if each.get("name") != "t":
                    raise Broken(f"{name} has lost its configuration")
        if "node" in found:
            found |= await self._people("affiliation", "m", "member")
            found |= await self._people("subscription", "s", "subscriber")
        return found

    async def _items(self) -> list[str]:
        ids: list[str] = []
        while True:
            after = f"<after>{ids[-1]}</after>" if ids else ""
            rsm = f"<set xmlns='http://jabber.org/protocol/rsm'><max>400</max>{after}</set>"
            asked = f"<pubsub xmlns='{NS}'><items node='{NODE}'/>{rsm}</pubsub>"
            page = [*(await self._ask(asked, "get", is_personal=True)).iter(f"{{{NS}}}item")]
            if not page:
                return ids
            for item in page:
                if [child.text for child in item] != [item.get("id")]:
                    raise Broken(f"{self.account}: an item has another payload")
            ids += [item.get("id") or "" for item in page]

    async def _people(self, what: str, letter: str, named: str) -> set[str]:
        asked = f"<pubsub xmlns='{NS_OWNER}'><{what}s node='{self._name}'/></pubsub>"
        answer = await self._ask(asked, "get", is_personal=False)
        jids = [each.get("jid") or "" for each in answer.iter(f"{{{NS_OWNER}}}{what}")]
        return {f"{named} {jid[1:].partition('@')[0]}" for jid in jids if jid.startswith(letter)}


class NodeContract:
    """One data folder, many lives of its server."""

    def __init__(self, folder: Path, publishers: int = 3) -> None:
        self.folder = folder
        self.publishers = [Publisher(number) for number in range(publishers)]
        self.life = 0
        self._server: ServerProcess | None = None

    async def live(self, durability: str, load_s: float) -> None:
        """Start the server, check what the last life has answered, put load on it, kill it."""
        self.life += 1
        accounts = tuple((each.account, PASSWORD) for each in self.publishers) if self.life == 1 else ()
        self._server = ServerProcess(self.folder, OPTIONS.format(durability=durability) + COMPONENT, accounts)
        for each in self.publishers:
            await each.come(self._server.ports["STARTTLS"])
            await each.check()
        working = [asyncio.ensure_future(each.work()) for each in self.publishers]
        await asyncio.sleep(load_s)
        self._server.kill()
        await asyncio.gather(*working)
        for each in self.publishers:
            await each.lost()

    def stop(self) -> None:
        """End the server, whatever it does."""
        if self._server is not None:
            self._server.kill()

    def report(self) -> str:
        """Say what was looked at."""
        return f"nodes: {self.life} lives; {sum(each.done for each in self.publishers)} changes, none lost"
