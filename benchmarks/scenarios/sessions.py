"""S3 logging in, S4 memory of idle sessions and what is left of them, S8 starting and resting."""

from benchmarks.load.login import Account, user_name
from benchmarks.load.loop import Loop
from benchmarks.measure import Stopwatch, process_tree, resident_kib
from benchmarks.scenarios.base import MS_A_SECOND, Figures, Row, Scenario, way
from benchmarks.servers.base import Needs, Server

WARM_UP = 100
REST_S = 3.0
LONG_REST_S = 15.0
"""Until what a wave of sessions has left is given back."""
PAUSE_S = 0.1
KIB_A_MB = 1e6 / 1024


class Login(Scenario):
    """S3: from connecting to being available; logging out is not counted."""

    def __init__(self, key: str, with_tls: bool, logins: int, goal: str) -> None:
        super().__init__(key, with_tls)
        self.title = f"S3 login, {way(with_tls)}"
        self.rows = (
            Row("cpu_ms", "ms a login", goal),
            Row("rate", "logins a second", is_main=False),
            Row("client_ms", "ms of the client's CPU", is_main=False),
        )
        self.logins = logins

    def needs(self) -> Needs:
        """An account a login, and some that warm the server up."""
        return Needs(accounts=self.logins + WARM_UP)

    def run(self, server: Server, loop: Loop) -> Figures:
        """Warm up, log in, wait until all is quiet."""
        everybody = [Account(user_name(number)) for number in range(self.logins + WARM_UP)]
        self.log_in(server, loop, everybody[:WARM_UP])
        loop.settle()
        watch = Stopwatch(server.pid)
        self.log_in(server, loop, everybody[WARM_UP:])
        wall_s = watch.read().wall_s
        loop.settle()
        cost = watch.read()
        return {
            "cpu_ms": cost.server_s / self.logins * MS_A_SECOND,
            "client_ms": cost.client_s / self.logins * MS_A_SECOND,
            "rate": self.logins / wall_s,
        }


class Idle(Scenario):
    """S4: what a session takes that does nothing."""

    deadline_s = 240.0
    most_repeats = 3

    def __init__(self, key: str, with_tls: bool, sessions: int, goal: str) -> None:
        super().__init__(key, with_tls)
        self.title = f"S4 idle session after {sessions:,} logins, {way(with_tls)}"
        self.rows = (Row("kib", "KiB a session", goal),)
        self.sessions = sessions

    def needs(self) -> Needs:
        """An account a session."""
        return Needs(accounts=self.sessions)

    def run(self, server: Server, loop: Loop) -> Figures:
        """Compare resident sizes before and after, both at rest."""
        loop.run_for(REST_S)
        before = resident_kib(process_tree(server.pid))
        self.log_in(server, loop, [Account(user_name(number)) for number in range(self.sessions)])
        loop.run_for(REST_S)
        after = resident_kib(process_tree(server.pid))
        return {"kib": (after - before) / self.sessions}


class Left(Scenario):
    """S4: what many sessions leave behind when they have gone."""

    deadline_s = 400.0
    most_repeats = 3

    def __init__(self, key: str, with_tls: bool, logins: int, together: int, goal: str) -> None:
        """So many *logins* and logouts, so many of them *together*: a crowd that comes and goes, or one great wave."""
        super().__init__(key, with_tls)
        self.title = f"S4 left of {logins:,} logins and logouts, {together:,} together, {way(with_tls)}"
        self.rows = (
            Row("left_percent", "% above the size at rest", goal),
            Row("most_mb", "MB resident at most", is_main=False),
            Row("after_mb", "MB resident after", is_main=False),
        )
        self.rounds = logins // together
        self.together = together

    def needs(self) -> Needs:
        """An account for each that is there together."""
        return Needs(accounts=self.together)

    def run(self, server: Server, loop: Loop) -> Figures:
        """Compare resident sizes at rest, before the first login and after the last logout."""
        loop.run_for(REST_S)
        before = most = self.resident_mb(server)
        accounts = [Account(user_name(number)) for number in range(self.together)]
        for _ in range(self.rounds):
            connections = self.log_in(server, loop, accounts)
            most = max(most, self.resident_mb(server))
            for connection in connections:
                connection.close()
            loop.settle(PAUSE_S)
        loop.run_for(LONG_REST_S)
        after = self.resident_mb(server)
        return {"left_percent": (after / before - 1) * 100, "most_mb": most, "after_mb": after}

    def resident_mb(self, server: Server) -> float:
        """Give what all processes of the server hold."""
        return resident_kib(process_tree(server.pid)) / KIB_A_MB


class Start(Scenario):
    """S8: from the command to the first answer to a stream header; resident size at rest."""

    title = "S8 start"
    rows = (
        Row("start_ms", "ms to the first answer", "≤ 1,000"),
        Row("resident_mb", "MB resident at rest", "≤ 65"),
    )

    def __init__(self, key: str) -> None:
        super().__init__(key, with_tls=False)

    def needs(self) -> Needs:
        """One account, which is not used."""
        return Needs(accounts=1)

    def run(self, server: Server, loop: Loop) -> Figures:
        """Let the server rest, then look."""
        loop.run_for(REST_S)
        return {
            "start_ms": server.started_in_s * MS_A_SECOND,
            "resident_mb": resident_kib(process_tree(server.pid)) / KIB_A_MB,
        }
