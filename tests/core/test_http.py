"""The table of who answers what: RFC 9110, RFC 3986 3.3."""

from twisted.trial.unittest import SynchronousTestCase

from xmppd.core.http import Found, HttpError, HttpRequest, HttpResponse, Route, Routes, RouteTaken


def one(request: HttpRequest) -> HttpResponse:
    """A handler."""
    return HttpResponse(200)


def other(request: HttpRequest) -> HttpResponse:
    """Another."""
    return HttpResponse(200)


class RoutesTests(SynchronousTestCase):
    """`Routes`."""

    def setUp(self) -> None:
        """Give each test an empty table."""
        self.routes = Routes()

    def found(self, path: str) -> Found:
        """What is at *path*; something has to be."""
        found = self.routes.find(path)
        assert found is not None, path
        return found

    def test_parts_have_names(self) -> None:
        """``{name}`` stands for one part, decoded."""
        self.routes.add(Route("GET", "/invite/{token}"), one)
        self.assertEqual(self.found("/invite/a%20b").parameters, {"token": "a b"})
        for path in ("/invite", "/invite/", "/invite/a/b", "/", "/other/a"):
            self.assertIsNone(self.routes.find(path), path)

    def test_the_rest_has_a_name(self) -> None:
        """``{name*}`` stands for all that follow."""
        self.routes.add(Route("GET", "/chat/{file*}"), one)
        self.assertEqual(self.found("/chat/a/b.js").parameters, {"file": "a/b.js"})
        self.assertEqual(self.found("/chat/").parameters, {"file": ""})
        self.assertIsNone(self.routes.find("/chat"))

    def test_literal_parts_go_first(self) -> None:
        """Whatever was added first; and what leads nowhere further on is left for what does."""
        self.routes.add(Route("GET", "/{a}/x"), one)
        self.routes.add(Route("GET", "/known/{b}"), other)
        self.routes.add(Route("GET", "/known/y/z"), other)
        self.routes.add(Route("GET", "/{rest*}"), one)
        self.assertEqual(self.found("/known/x").parameters, {"b": "x"})
        self.assertEqual(self.found("/else/x").parameters, {"a": "else"})
        self.assertEqual(self.found("/known/y").parameters, {"b": "y"})
        self.assertEqual(self.found("/else/y").parameters, {"rest": "else/y"})

    def test_a_part_that_looks_like_a_pattern(self) -> None:
        """What stands for a name in the table is no part of a path."""
        self.routes.add(Route("GET", "/a/{b}/c"), one)
        self.routes.add(Route("GET", "/{rest*}"), one)
        self.assertEqual(self.found("/a/{}/c").parameters, {"b": "{}"})
        self.assertEqual(self.found("/{*}").parameters, {"rest": "{*}"})

    def test_a_path_leads_nowhere_else(self) -> None:
        """Dots, slashes, backslashes and NUL in a part, coded or not, are refused before anybody is asked."""
        self.routes.add(Route("GET", "/{file*}"), one)
        for path in ("/a/../b", "/a/%2e%2e/b", "/a%2fb", "/a%5cb", "/a%00", "/./a", "/a%ff", "a", ""):
            with self.assertRaises(HttpError) as caught:
                self.routes.find(path)
            self.assertEqual(caught.exception.status, 400, path)

    def test_very_many_parts_are_nobodys(self) -> None:
        """So that no path costs more than its length."""
        self.routes.add(Route("GET", "/{file*}"), one)
        self.assertIsNone(self.routes.find("/a" * 40))

    def test_methods_of_one_path(self) -> None:
        """Each has its handler; HEAD and OPTIONS come of themselves."""
        self.routes.add(Route("GET", "/a/{b}"), one)
        self.routes.add(Route("PUT", "/a/{b}"), other)
        found = self.found("/a/1")
        self.assertEqual([found.methods["GET"][1], found.methods["PUT"][1]], [one, other])
        self.assertEqual(found.allowed, "GET, HEAD, OPTIONS, PUT")

    def test_taken(self) -> None:
        """One method of a pattern has one handler, and one pattern one set of names; nothing changes then."""
        self.routes.add(Route("GET", "/a/{b}"), one)
        for route in (Route("GET", "/a/{b}"), Route("PUT", "/a/{c}")):
            self.assertRaises(RouteTaken, self.routes.add, route, other)
        self.assertEqual(self.found("/a/1").allowed, "GET, HEAD, OPTIONS")

    def test_removed(self) -> None:
        """What is removed is not there, and can be another's."""
        self.routes.add(Route("GET", "/a/{b}"), one)
        self.routes.remove(Route("GET", "/a/{b}"))
        self.assertIsNone(self.routes.find("/a/1"))
        self.assertFalse(self.routes)
        self.routes.add(Route("GET", "/a/{c}"), other)
        self.assertTrue(self.routes)

    def test_no_pattern(self) -> None:
        """A mistake of a module is found when it is loaded."""
        for pattern in ("a", "/{a", "/{a*}/b", "/{1}", "/{}"):
            self.assertRaises(ValueError, self.routes.add, Route("GET", pattern), one)
