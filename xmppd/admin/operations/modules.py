"""Operations on modules: what is loaded, until the server stops."""

from collections.abc import Iterable
from typing import Final

from xmppd.admin.control.answers import ModuleChanged, ModuleRow
from xmppd.core.operations.declaring import Args, Argument, Kind, Operation, Shows, Subject, option
from xmppd.core.operations.showing import UNKNOWN, Block, Line, computed, table

HOST: Final = option("host", "This host only; else all hosts.", Kind.DOMAIN)
NAME: Final = Argument("name")


def _hosts(row: ModuleRow) -> str:
    return ", ".join(row["hosts"]) or UNKNOWN


def _xeps(row: ModuleRow) -> str:
    return ", ".join(f"{number:04}" for number in row["xeps"])


def _changed(done: str) -> Shows:
    def shows(result: ModuleChanged, args: Args) -> Iterable[Block]:
        yield Line(f"{result['name']} {done} on {', '.join(result['hosts'])}")

    return shows


SUBJECT: Final = Subject(
    "module",
    "Modules",
    "Modules: what is loaded.",
    (
        Operation(
            "module.list",
            "List all modules and the hosts that have them loaded.",
            (HOST,),
            table(
                "there are none",
                name="Module",
                hosts=computed("Loaded on", _hosts),
                xeps=computed("XEPs", _xeps),
                summary="What it is",
            ),
        ),
        Operation("module.load", "Load a module, and what it requires.", (NAME, HOST), _changed("loaded")),
        Operation("module.unload", "Take a module out.", (NAME, HOST), _changed("unloaded")),
        Operation(
            "module.reload",
            "Read a module's file anew; if that fails, the old one stays.",
            (NAME, HOST),
            _changed("reloaded"),
        ),
        Operation(
            "module.hooks",
            "Show who joins which hook, in the order in which they are called.",
            (HOST,),
            table(
                "nobody joins any",
                host="Host",
                hook="Hook",
                station=computed("Station", lambda row: row["station"] or UNKNOWN),
                module=computed("Module", lambda row: row["module"] or UNKNOWN),
            ),
        ),
    ),
    "Changes last until the server stops; the configuration file says what it starts with.",
)
