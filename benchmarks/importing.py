"""How many accounts a second an import takes: ``python -m benchmarks.importing`` (promises#moving-in).

A file of XEP-0227 with passwords in plain, so that their keys have to be derived, is taken in by ``xmppctl import``,
with one hash: for each the best accounts a second of some rounds, as the report says, and the least CPU time of the
process for an account. The machine should do nothing else meanwhile.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

CONFIG = '[hosts."a.example"]\n'
ACCOUNTS, ROUNDS = 3_000, 3
HASHES = ("SHA-1", "SHA-256", "SHA-512")
MS = 1_000


def main() -> None:
    """Print a line for each hash."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.importing", description=__doc__)
    parser.add_argument("--accounts", type=int, default=ACCOUNTS)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args()
    print(f"{options.accounts} accounts, {os.cpu_count()} processors")
    for name in HASHES:
        rounds = [measure(options.accounts, name) for _ in range(options.rounds)]
        per_second, cpu_ms = max(each[0] for each in rounds), min(each[1] for each in rounds)
        print(f"{name:8}{per_second:7.0f} accounts/s {cpu_ms:6.2f} ms of CPU each")


def measure(accounts: int, hash_name: str) -> tuple[float, float]:
    """Import so many; give accounts a second, and the CPU time of each in ms."""
    with tempfile.TemporaryDirectory(prefix="xmppd-importing-") as name:
        folder = Path(name)
        config, plain = folder / "xmppd.toml", folder / "plain.xml"
        config.write_text(f'data_dir = "{folder / "data"}"\n{CONFIG}')
        write_plain(plain, accounts)
        before = _children_s()
        done = subprocess.run(
            [
                *(sys.executable, "-m", "xmppd.admin.xmppctl", "--config", config),
                *("import", "xep0227", plain, "--hash", hash_name, "--json"),
            ],
            check=True,
            capture_output=True,
        )
        report = json.loads(done.stdout)
        if report["carried"]["accounts"] != accounts:
            raise RuntimeError(done.stdout.decode())
        return accounts / report["seconds"], (_children_s() - before) * MS / accounts


def write_plain(file: Path, accounts: int) -> None:
    """Write so many accounts with their passwords (XEP-0227 4.1)."""
    users = "".join(f"<user name='user{n}' password='the password of user {n}'/>\n" for n in range(accounts))
    file.write_text(
        f"<?xml version='1.0'?><server-data xmlns='urn:xmpp:pie:0'><host jid='a.example'>\n{users}</host></server-data>"
    )


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
