"""Puts what a module declares into the tables of its host, whole or not at all, and takes it out again."""

from collections.abc import Callable
from functools import partial

from xmppd.core.hooks import NoSuchStation, StationTaken
from xmppd.core.host import Host
from xmppd.core.http import RouteTaken
from xmppd.core.module import HookHandler, HttpDeclaration, IQHandler, Module


class Clash(Exception):
    """A module declares what cannot be on this host; the text says with whom, in one line."""


def check(host: Host, new: Module, old: Module) -> None:
    """Raise `Clash` unless *new* can be attached in the place of *old*."""
    _detach_handlers(host, old)
    try:
        _attach_handlers(host, new)
        _detach_handlers(host, new)
    finally:
        _attach_handlers(host, old)


def attach(host: Host, module: Module) -> None:
    """Put a module into its host, behind the others; `Clash`, and then the host is as it was."""
    module.rank = host.hooks.next_rank()
    module.offered = module.stream_features()
    _attach_handlers(host, module)
    host.modules[module.name] = module
    _gather_features(host)


def detach(host: Host, module: Module) -> None:
    """Undo `attach`."""
    _detach_handlers(host, module)
    del host.modules[module.name]
    _gather_features(host)


def put_in_place(host: Host, new: Module, old: Module) -> None:
    """Put *new* where *old* is, in its place among the others; only after `check`."""
    new.offered = new.stream_features()
    new.rank = old.rank
    _detach_handlers(host, old)
    _attach_handlers(host, new)
    host.modules[old.name] = new
    _gather_features(host)


def _gather_features(host: Host) -> None:
    host.stream_features = tuple(feature for module in host.modules.values() for feature in module.offered)


def _attach_handlers(host: Host, module: Module) -> None:
    undo: list[Callable[[], object]] = []
    try:
        for declaration, method in module.handlers():
            if isinstance(declaration, HookHandler):
                hook, station = declaration.hook, declaration.station
                host.hooks.add(hook, method, station, module=module.name, rank=module.rank)
                undo.append(partial(host.hooks.remove, hook, method))
            elif isinstance(declaration, HttpDeclaration):
                undo.append(_attach_route(host, declaration, method))
            else:
                undo += _attach_iq(host, module, declaration, method)
    except (NoSuchStation, StationTaken, Clash) as error:
        for call in reversed(undo):
            call()
        raise Clash(f"{module.name} cannot join {host.name}: {error}") from error


def _attach_iq(
    host: Host, module: Module, declaration: IQHandler, method: Callable[..., object]
) -> list[Callable[[], object]]:
    for key in declaration.keys:
        if key in host.iq_handlers:
            type, ns, name, kind = key
            whose = _whose(host.iq_handlers[key])
            raise Clash(f"{whose} answers IQs of type {type} with {{{ns}}}{name} to {kind} already")
    host.iq_handlers.update(dict.fromkeys(declaration.keys, method))
    return [partial(host.iq_handlers.pop, key) for key in declaration.keys]


def _attach_route(
    host: Host, declaration: HttpDeclaration, method: Callable[..., object]
) -> Callable[[], object]:
    route = declaration.route
    try:
        host.routes.add(route, method)  # type: ignore[arg-type]  # what a module declares so takes a request
    except RouteTaken as taken:
        raise Clash(f"{_whose(taken.taken_by)} answers {route.method} {route.pattern} already") from None
    return partial(host.routes.remove, route)


def _whose(method: Callable[..., object]) -> str:
    other = getattr(method, "__self__", None)
    return other.name if isinstance(other, Module) else "something else"


def _detach_handlers(host: Host, module: Module) -> None:
    for declaration, method in module.handlers():
        if isinstance(declaration, HookHandler):
            host.hooks.remove(declaration.hook, method)
        elif isinstance(declaration, HttpDeclaration):
            host.routes.remove(declaration.route)
        else:
            for key in declaration.keys:
                del host.iq_handlers[key]
