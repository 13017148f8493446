"""vCards of both forms: XEP-0292 9."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from xmppd.services.profile.vcard4 import NS_4, NS_TEMP, merged, to_vcard4, to_vcard_temp
from xmppd.stanza.element import Element, parse_element

TEMP = f"""<vCard xmlns='{NS_TEMP}'><FN>Peter Saint-Andre</FN><N><FAMILY>Saint-Andre</FAMILY><GIVEN>Peter</GIVEN></N>
<NICKNAME>stpeter</NICKNAME><BDAY>1966-08-06</BDAY>
<ADR><WORK/><PREF/><EXTADD>Suite 600</EXTADD><STREET>1899 Wynkoop</STREET><LOCALITY>Denver</LOCALITY>
<CTRY>USA</CTRY></ADR>
<TEL><WORK/><VOICE/><NUMBER>303-308-3282</NUMBER></TEL><EMAIL><HOME/><USERID>stpeter@jabber.org</USERID></EMAIL>
<JABBERID>stpeter@jabber.org</JABBERID><GEO><LAT>39.59</LAT><LON>-105.01</LON></GEO><TITLE>Director</TITLE>
<ORG><ORGNAME>XSF</ORGNAME><ORGUNIT>Board</ORGUNIT></ORG><URL>https://stpeter.im/</URL></vCard>""".replace(
    "\n", ""
)
VCARD_4 = f"""<vcard xmlns='{NS_4}'><fn><text>Peter Saint-Andre</text></fn>
<n><surname>Saint-Andre</surname><given>Peter</given><additional/><prefix/><suffix/></n>
<nickname><text>stpeter</text></nickname><bday><date>1966-08-06</date></bday>
<adr><parameters><type><text>work</text></type><pref><integer>1</integer></pref></parameters><pobox/>
<ext>Suite 600</ext><street>1899 Wynkoop</street><locality>Denver</locality><region/><code/><country>USA</country></adr>
<tel><parameters><type><text>work</text><text>voice</text></type></parameters><text>303-308-3282</text></tel>
<email><parameters><type><text>home</text></type></parameters><text>stpeter@jabber.org</text></email>
<impp><uri>xmpp:stpeter@jabber.org</uri></impp><geo><uri>geo:39.59,-105.01</uri></geo>
<title><text>Director</text></title><org><text>XSF</text><text>Board</text></org>
<url><uri>https://stpeter.im/</uri></url></vcard>""".replace("\n", "")
WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=12)


def element(text: str) -> Element:
    """Read an element."""
    return parse_element(text.encode())


class TranslationTests(SynchronousTestCase):
    """`to_vcard4` and `to_vcard_temp`."""

    def test_each_is_the_other(self) -> None:
        """What both can say."""
        self.assertEqual(to_vcard4(element(TEMP)), element(VCARD_4))
        self.assertEqual(to_vcard_temp(element(VCARD_4)), element(TEMP))

    def test_as_others_write_it(self) -> None:
        """Telephone numbers and addresses as URIs, a second value, an address of another network, no value at all."""
        vcard = element(
            f"<vcard xmlns='{NS_4}'><tel><uri>tel:+1-303</uri></tel>"
            "<nickname><text> psa </text><text>b</text></nickname>"
            "<impp><uri>sip:peter@example.org</uri></impp><geo><uri>geo:1,2,3;u=5</uri></geo><fn><text/></fn><geo/>"
            "<categories><text>a</text><text>b</text></categories><kind><text>individual</text></kind></vcard>"
        )
        expected = (
            f"<vCard xmlns='{NS_TEMP}'><TEL><NUMBER>+1-303</NUMBER></TEL><NICKNAME>psa</NICKNAME>"
            "<GEO><LAT>1</LAT><LON>2</LON></GEO><CATEGORIES><KEYWORD>a</KEYWORD><KEYWORD>b</KEYWORD></CATEGORIES></vCard>"
        )
        self.assertEqual(to_vcard_temp(vcard), element(expected))

    def test_what_only_one_can_say_stays(self) -> None:
        """A photo, and the kind of an entity; DESC is a note (9.1.1)."""
        old = element(
            f"<vCard xmlns='{NS_TEMP}'><FN>A</FN><PHOTO><EXTVAL>u</EXTVAL></PHOTO><DESC>me</DESC></vCard>"
        )
        new = to_vcard4(old)
        self.assertEqual([child.name for child in new.elements()], ["fn", "note"])
        kept = merged(to_vcard_temp(new), old)
        self.assertEqual([child.name for child in kept.elements()], ["FN", "NOTE", "PHOTO"])
        kind = element(f"<vcard xmlns='{NS_4}'><fn><text>B</text></fn><kind><text>org</text></kind></vcard>")
        self.assertEqual([child.name for child in merged(new, kind).elements()], ["fn", "note", "kind"])

    @given(
        st.dictionaries(
            st.sampled_from(("FN", "NICKNAME", "TITLE", "ROLE", "NOTE", "URL", "JABBERID")), WORDS
        )
    )
    def test_there_and_back(self, texts: dict[str, str]) -> None:
        """Nothing is lost of what both can say, whatever it is."""
        made = Element(
            "vCard", NS_TEMP, None, [Element(name, NS_TEMP, None, [text]) for name, text in texts.items()]
        )
        self.assertEqual(to_vcard_temp(to_vcard4(made)), made)
