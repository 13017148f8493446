"""Data forms (XEP-0004) and result sets (XEP-0059)."""

from twisted.trial.unittest import SynchronousTestCase

from xmppd.stanza import forms
from xmppd.stanza.element import Element, parse_element
from xmppd.stanza.result_sets import PageRequest, page_element, page_request_in


def query(content: str) -> Element:
    """Give a payload with this content."""
    return parse_element(f"<query xmlns='urn:example'>{content}</query>".encode())


def submission(fields: str) -> forms.Submission:
    """Give a submitted form with these fields."""
    found = forms.submission_in(query(f"<x xmlns='jabber:x:data' type='submit'>{fields}</x>"))
    assert found is not None
    return found


class FormTests(SynchronousTestCase):
    """What is submitted, and what is offered."""

    def test_values_by_var(self) -> None:
        """XEP-0004 3.2: each field has a var and values."""
        form = submission(
            "<title>t</title><field var='FORM_TYPE'><value>urn:example</value></field>"
            "<field var='a'><value>1</value><value>2</value></field><field var='none'/>"
        )
        self.assertEqual((form.type, form.form_type), ("submit", "urn:example"))
        self.assertEqual((form.first("a"), form.all("a")), ("1", ("1", "2")))
        self.assertEqual((form.first("none"), form.all("none"), form.first("other")), (None, (), None))

    def test_booleans(self) -> None:
        """XEP-0004 3.3: 1, 0, true and false."""
        form = submission(
            "<field var='a'><value>1</value></field><field var='b'><value>false</value></field>"
            "<field var='c'><value>maybe</value></field>"
        )
        self.assertEqual((form.flag("a"), form.flag("b"), form.flag("d")), (True, False, None))
        self.assertRaises(ValueError, form.flag, "c")

    def test_bad_fields(self) -> None:
        """A field without var, or the same twice, is refused."""
        self.assertRaises(ValueError, submission, "<field type='text-single'><value>1</value></field>")
        self.assertRaises(ValueError, submission, "<field var='a'/><field var='a'/>")

    def test_what_is_there_to_be_read(self) -> None:
        """XEP-0004 3.2, 3.3: a fixed field needs no var, and no type in what is submitted; it is never filled in."""
        form = submission(
            "<field type='fixed'><value>1</value></field><field type='fixed'><value>2</value></field>"
            "<field><value>3</value></field><field type='fixed' var='note'><value>4</value></field>"
            "<field type='fixed' var='note'><value>5</value></field><field var='a'><value>6</value></field>"
        )
        self.assertEqual(form.values, {"a": ("6",)})

    def test_what_is_not_filled_in(self) -> None:
        """XEP-0004 3.2: a field may have no value, or an empty one."""
        form = submission("<field var='a'/><field var='b' type='boolean'><value/></field>")
        self.assertEqual((form.flag("a"), form.flag("b"), form.first("b")), (None, None, ""))

    def test_no_form(self) -> None:
        """A form of another namespace is none."""
        self.assertIsNone(forms.submission_in(query("<x type='submit'/>")))

    def test_an_offered_form_can_be_read(self) -> None:
        """XEP-0068 4: it begins with its hidden FORM_TYPE."""
        made = forms.form("form", "urn:example", [forms.field("a", "text-single", ["1"], label="A")])
        read = forms.submission_in(Element("query", "urn:example", None, [made]))
        assert read is not None
        self.assertEqual((read.form_type, read.first("a")), ("urn:example", "1"))


class ResultSetTests(SynchronousTestCase):
    """Which page is asked for, and which was given."""

    def test_requests(self) -> None:
        """XEP-0059 2: max, after, before (empty for the last page), index."""
        table = {
            "": PageRequest(),
            "<max> 10 </max>": PageRequest(10),
            "<max>10</max><after>x</after>": PageRequest(10, "x"),
            "<before/>": PageRequest(None, None, ""),
            "<before>y</before>": PageRequest(None, None, "y"),
            "<index>371</index>": PageRequest(None, None, None, 371),
        }
        for content, expected in table.items():
            found = page_request_in(query(f"<set xmlns='http://jabber.org/protocol/rsm'>{content}</set>"))
            self.assertEqual(found, expected)
        self.assertEqual(page_request_in(query("")), PageRequest())

    def test_bad_numbers(self) -> None:
        """What is no number of items is refused."""
        for bad in ("", "-1", "ten", "1.5", "９", "9" * 30):
            content = f"<set xmlns='http://jabber.org/protocol/rsm'><max>{bad}</max></set>"
            self.assertRaises(ValueError, page_request_in, query(content))

    def test_answers(self) -> None:
        """XEP-0059 2: first, last and count, as far as they are known."""
        ns = "http://jabber.org/protocol/rsm"
        expected = f"<set xmlns='{ns}'><first>a</first><last>b</last><count>3</count></set>"
        self.assertEqual(page_element("a", "b", 3).to_bytes().decode(), expected)
        self.assertEqual(page_element().to_bytes().decode(), f"<set xmlns='{ns}'/>")
