"""The command ``xmppctl``: its groups, the options that every command takes, and how it fails.

Exit status: 0 done, 1 wrong usage or not done, 2 problems found (``check``). An error is one line on standard error.
"""

import errno
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final, NoReturn

import click

from xmppd import __version__
from xmppd.admin.control.wire import ControlError
from xmppd.admin.descriptors import open_standard_descriptors
from xmppd.admin.operations.catalogue import SUBJECTS
from xmppd.admin.working_folder import CannotRun, check_working_folder
from xmppd.admin.xmppctl.backup import backup, restore
from xmppd.admin.xmppctl.cert import generate, import_certificates
from xmppd.admin.xmppctl.config import config
from xmppd.admin.xmppctl.generated import fill, group_of
from xmppd.admin.xmppctl.groups import Group
from xmppd.admin.xmppctl.init import init
from xmppd.admin.xmppctl.invite import INVITE_COMMANDS
from xmppd.admin.xmppctl.moving import export, import_group
from xmppd.admin.xmppctl.output import CannotShow, as_json, cannot_show, complain, flush, show_anything
from xmppd.admin.xmppctl.selftest import selftest
from xmppd.admin.xmppctl.server import check, completion, reload, stop
from xmppd.admin.xmppctl.shell import shell
from xmppd.admin.xmppctl.tool import Tool
from xmppd.admin.xmppctl.user import delete, import_file
from xmppd.admin.xmppctl.web import web

PROGRAM = "xmppctl"
FAILED = 1
_OF_OUTPUT = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EPIPE)
TRACEBACK_VARIABLE = "XMPPCTL_TRACEBACK"


class Xmppctl(Group):
    """The outermost group: it turns whatever goes wrong into one line and a status."""

    def main(self, args: Sequence[str] | None = None, prog_name: str | None = None, **extra: Any) -> NoReturn:  # type: ignore[override]  # it always ends the process
        """Run a command and end the process with its status."""
        tool = extra.setdefault("obj", Tool())
        tool.is_json |= "--json" in (
            sys.argv[1:] if args is None else args
        )  # wrong usage may hide it from click
        extra["standalone_mode"] = False
        try:
            check_working_folder()
            status = super().main(args, prog_name or PROGRAM, **extra)
            flush()
        except ControlError as error:
            _refused(tool, error)
        except CannotRun as error:
            _refused(tool, ControlError("no-working-folder", str(error)))
        except CannotShow as error:
            complain(str(error))
        except click.exceptions.NoArgsIsHelpError as shown:
            _shown_help(tool, shown)
        except click.UsageError as error:
            _refused(tool, ControlError("bad-usage", _with_help(error)))
        except click.ClickException as error:
            _refused(tool, ControlError("bad-usage", error.format_message()))
        except click.Abort:
            _refused(tool, ControlError("interrupted", "interrupted; nothing more is done"))
        except OSError as error:
            complain(str(cannot_show(error)) if error.errno in _OF_OUTPUT else _unexpected(tool, error))
        except Exception as error:  # the edge of the process: nobody is left who could handle it
            if TRACEBACK_VARIABLE in os.environ:
                raise
            _unexpected(tool, error)
        else:
            sys.exit(status or 0)
        sys.exit(FAILED)


def _refused(tool: Tool, error: ControlError) -> None:
    if tool.is_json:
        with suppress(CannotShow):
            as_json({"error": {"id": error.id, "message": error.message}})
    for line in error.message.splitlines():
        complain(line)


def _unexpected(tool: Tool, error: Exception) -> str:
    """Tell of a bug, in a line; gives nothing more to tell."""
    where = f"for where it happened: {TRACEBACK_VARIABLE}=1 {PROGRAM} …"
    _refused(tool, ControlError("internal-error", f"{type(error).__name__}: {error}; {where}"))
    return ""


def _shown_help(tool: Tool, shown: click.exceptions.NoArgsIsHelpError) -> None:
    """A group without a command: people are shown what there is."""
    if tool.is_json:
        _refused(
            tool, ControlError("bad-usage", f"a command is missing; to see what there is: {_help_of(shown)}")
        )
    else:
        click.echo(shown.format_message())


def _with_help(error: click.UsageError) -> str:
    """Give a line: click spreads choices over several, ends only some of its sentences, and asks at the end of some."""
    line = " ".join(error.format_message().split()).rstrip(".")
    what = f"o see what there is: {_help_of(error)}"
    if isinstance(error, click.NoSuchOption) and not error.option_name.startswith("--"):
        what = f"{what}; a name that begins with - stands behind --"
    return f"{line} T{what}" if line.endswith("?") else f"{line}; t{what}"


def _help_of(error: click.UsageError) -> str:
    path = error.ctx.command_path if error.ctx is not None else PROGRAM
    return f"{path} --help"


@click.group(cls=Xmppctl, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name=PROGRAM, message="%(prog)s %(version)s")
@click.pass_context
def app(context: click.Context) -> None:
    """Run the XMPP server xmppd: accounts, sessions, rooms, modules.

    Talks to the running server; "user" and "invite" commands work on its data too while it does not run. The data
    folder is found as the server finds it: data_dir in the file of --config, else $XMPPD_DATA, else ./xmppd-data.
    """
    context.ensure_object(Tool)


BY_HAND: Final[dict[str, tuple[click.Command, ...]]] = {
    "user": (delete, import_file),
    "invite": INVITE_COMMANDS,
    "cert": (generate, import_certificates),
    "": (
        init,
        reload,
        stop,
        check,
        selftest,
        shell,
        config,
        web,
        completion,
        import_group,
        export,
        backup,
        restore,
    ),
}
"""What needs more than the declaration of an operation says, by subject."""

for _subject in SUBJECTS:
    _group = group_of(_subject) if _subject.name else app
    fill(_group, _subject, BY_HAND.get(_subject.name, ()))
    if _group is not app:
        app.add_command(_group)


def main() -> NoReturn:
    """Run xmppctl with the arguments of this process."""
    open_standard_descriptors(PROGRAM)
    show_anything()
    app.main(prog_name=PROGRAM)
