"""Who asks, behind proxies: RFC 7239."""

import ipaddress

from twisted.trial.unittest import SynchronousTestCase

from xmppd.core.networks import is_among
from xmppd.net.http.proxies import asker_of

TRUSTED = tuple(ipaddress.ip_network(text) for text in ("127.0.0.0/8", "::1/128", "10.0.0.0/8"))
HERE = "127.0.0.1"


class AskerTests(SynchronousTestCase):
    """`asker_of`."""

    def test_table(self) -> None:
        """(headers) → (address, scheme, host): the nearest hop that is not trusted is who asks."""
        table: tuple[tuple[dict[str, str], tuple[str, str | None, str | None]], ...] = (
            ({}, (HERE, None, None)),
            ({"x-forwarded-for": "192.0.2.1"}, ("192.0.2.1", None, None)),
            ({"x-forwarded-for": "203.0.113.9, 192.0.2.1"}, ("192.0.2.1", None, None)),
            ({"x-forwarded-for": "192.0.2.1, 10.0.0.3"}, ("192.0.2.1", None, None)),
            ({"x-forwarded-for": "192.0.2.1:4711"}, ("192.0.2.1", None, None)),
            ({"x-forwarded-for": "nonsense"}, (HERE, None, None)),
            ({"x-forwarded-for": "192.0.2.1, nonsense"}, (HERE, None, None)),
            ({"x-forwarded-proto": "https"}, (HERE, "https", None)),
            ({"x-forwarded-proto": "gopher"}, (HERE, None, None)),
            (
                {
                    "x-forwarded-for": "192.0.2.1",
                    "x-forwarded-proto": "https",
                    "x-forwarded-host": "a.example",
                },
                ("192.0.2.1", "https", "a.example"),
            ),
            ({"forwarded": "for=192.0.2.1"}, ("192.0.2.1", None, None)),
            ({"forwarded": 'For="[2001:db8::1]:4711";proto=https'}, ("2001:db8::1", "https", None)),
            (
                {"forwarded": "for=192.0.2.1;proto=https;host=a.example, for=10.0.0.2;proto=http"},
                ("192.0.2.1", "https", "a.example"),
            ),
            ({"forwarded": "for=203.0.113.9, for=192.0.2.1;proto=http"}, ("192.0.2.1", "http", None)),
            ({"forwarded": "for=unknown;proto=https"}, (HERE, "https", None)),
            ({"forwarded": "for=_hidden"}, (HERE, None, None)),
            ({"forwarded": "for=192.0.2.1", "x-forwarded-for": "203.0.113.9"}, ("192.0.2.1", None, None)),
            ({"forwarded": 'for="192.0.2.1'}, (HERE, None, None)),
            ({"forwarded": ""}, (HERE, None, None)),
        )
        for headers, expected in table:
            asker = asker_of(HERE, headers, TRUSTED)
            self.assertEqual((asker.address, asker.scheme, asker.host), expected, headers)

    def test_nobody_else_is_believed(self) -> None:
        """Who is no proxy of ours says nothing about others."""
        headers = {"x-forwarded-for": "192.0.2.1", "forwarded": "for=192.0.2.1;proto=https"}
        asker = asker_of("203.0.113.5", headers, TRUSTED)
        self.assertEqual((asker.address, asker.scheme, asker.is_behind_proxy), ("203.0.113.5", None, False))

    def test_an_ipv4_address_in_ipv6_clothes(self) -> None:
        """A socket that takes both shows the one as the other."""
        self.assertTrue(is_among("::ffff:127.0.0.1", TRUSTED))
        self.assertFalse(is_among("::ffff:192.0.2.1", TRUSTED))
        self.assertFalse(is_among("nonsense", TRUSTED))
