"""What the pages say, in each language that they speak."""

from collections.abc import Mapping
from typing import Final

ENGLISH: Final = {
    "about": "This server speaks XMPP, an open network: who has an account anywhere in it reaches everybody in it.",
    "add_contact": "Add {inviter} as a contact",
    "all_clients": "All programs for XMPP",
    "busy_text": "Please wait a while, then try again.",
    "busy_title": "Too many attempts",
    "chat_here": "Chat in this browser",
    "chat_here_hint": "Nothing to install",
    "clients_for": "for",
    "clients_title": "Programs to chat with",
    "ends": "This invitation ends on {date}.",
    "errors_title": "Please look at this again",
    "gone_text": "It has been used, has ended, or was taken back. Please ask for another one.",
    "gone_title": "This invitation is not valid",
    "have_client": "If you have a program for XMPP, it can make the account for you.",
    "have_client_title": "In a program of yours",
    "insecure_text": "Passwords are taken by an encrypted connection only. Please open this page by https.",
    "insecure_title": "This connection is not encrypted",
    "invite_intro": "{jid} would like to chat with you.",
    "invite_title": "{inviter} invites you to chat",
    "languages": "Languages",
    "later_text": "The server could not store this just now. Please try again later.",
    "later_title": "Something went wrong",
    "make_account": "Make the account",
    "make_account_on": "Make an account on {host}",
    "no_account": "You can make one here, and {inviter} is in your list of contacts from the start.",
    "no_account_title": "No account yet?",
    "no_client": "If nothing happens, install one of the programs below first, then come back to this page.",
    "no_client_here": "If nothing happens, there is no such program on this device.",
    "on_phone": "Show a code for a phone",
    "open_client": "Open in a program for XMPP",
    "password": "Password",
    "password_hint": "At least {chars} characters. A sentence is easy to remember and hard to guess.",
    "password_other": "The two passwords are not the same.",
    "password_short": "Choose a password of at least {chars} characters.",
    "password_unfit": "This password cannot be used: choose another one.",
    "register_by": "{jid} has invited you.",
    "register_intro": "Choose a name and a password for your account.",
    "register_title": "Make an account on {host}",
    "registered_contact": "{jid} is in your list of contacts already.",
    "registered_intro": "Your account is made. This is your address; others reach you by it:",
    "registered_next": "Install a program, and log in with your address and your password.",
    "registered_next_chat": "Chat right here, or install a program; log in with your address and your password.",
    "registered_title": "Welcome",
    "repeat": "Password again",
    "reset_done_text": "You can log in with the new password now; all your programs have to.",
    "reset_done_title": "Your password is changed",
    "reset_intro": "Choose a new password for {jid}.",
    "reset_title": "Set a new password",
    "scan": "Point the camera of your phone at this code; it opens the invitation there.",
    "set_password": "Set the password",
    "unwanted": "If you do not want it, nothing needs to be done.",
    "username": "User name",
    "username_fixed": "This name is kept for you.",
    "username_hint": "What stands before @{host} in your address.",
    "username_missing": "Choose a user name.",
    "username_taken": "This name is taken: choose another one.",
    "username_unfit": "A name cannot have spaces, nor any of \" & ' / : < > @.",
}
GERMAN: Final = {
    "about": "Dieser Server spricht XMPP, ein offenes Netz: Wer irgendwo darin ein Konto hat, erreicht alle darin.",
    "add_contact": "{inviter} als Kontakt hinzufügen",
    "all_clients": "Alle Programme für XMPP",
    "busy_text": "Bitte warte eine Weile und versuche es dann noch einmal.",
    "busy_title": "Zu viele Versuche",
    "chat_here": "In diesem Browser chatten",
    "chat_here_hint": "Nichts zu installieren",
    "clients_for": "für",
    "clients_title": "Programme zum Chatten",
    "ends": "Diese Einladung gilt bis zum {date}.",
    "errors_title": "Bitte sieh dir das noch einmal an",
    "gone_text": "Sie wurde schon benutzt, ist abgelaufen oder wurde zurückgezogen. Bitte um eine neue.",
    "gone_title": "Diese Einladung gilt nicht",
    "have_client": "Wenn du ein Programm für XMPP hast, kann es das Konto für dich anlegen.",
    "have_client_title": "In einem eigenen Programm",
    "insecure_text": "Passwörter werden nur verschlüsselt angenommen. Bitte öffne diese Seite mit https.",
    "insecure_title": "Diese Verbindung ist nicht verschlüsselt",
    "invite_intro": "{jid} möchte mit dir chatten.",
    "invite_title": "{inviter} lädt dich zum Chatten ein",
    "languages": "Sprachen",
    "later_text": "Der Server konnte das gerade nicht speichern. Bitte versuche es später noch einmal.",
    "later_title": "Etwas ist schiefgegangen",
    "make_account": "Konto anlegen",
    "make_account_on": "Konto auf {host} anlegen",
    "no_account": "Du kannst hier eines anlegen, und {inviter} steht gleich in deiner Kontaktliste.",
    "no_account_title": "Noch kein Konto?",
    "no_client": "Wenn nichts geschieht, installiere erst eines der Programme weiter unten und komm dann zurück.",
    "no_client_here": "Wenn nichts geschieht, ist auf diesem Gerät kein solches Programm.",
    "on_phone": "Code für ein Telefon zeigen",
    "open_client": "In einem Programm für XMPP öffnen",
    "password": "Passwort",
    "password_hint": "Mindestens {chars} Zeichen. Ein Satz ist leicht zu merken und schwer zu erraten.",
    "password_other": "Die beiden Passwörter sind nicht gleich.",
    "password_short": "Wähle ein Passwort mit mindestens {chars} Zeichen.",
    "password_unfit": "Dieses Passwort kann nicht benutzt werden: wähle ein anderes.",
    "register_by": "{jid} hat dich eingeladen.",
    "register_intro": "Wähle einen Namen und ein Passwort für dein Konto.",
    "register_title": "Konto auf {host} anlegen",
    "registered_contact": "{jid} steht schon in deiner Kontaktliste.",
    "registered_intro": "Dein Konto ist angelegt. Das ist deine Adresse; unter ihr bist du zu erreichen:",
    "registered_next": "Installiere ein Programm und melde dich mit deiner Adresse und deinem Passwort an.",
    "registered_next_chat": "Chatte gleich hier oder mit einem Programm; melde dich mit Adresse und Passwort an.",
    "registered_title": "Willkommen",
    "repeat": "Passwort noch einmal",
    "reset_done_text": "Du kannst dich jetzt mit dem neuen Passwort anmelden; alle deine Programme müssen das.",
    "reset_done_title": "Dein Passwort ist geändert",
    "reset_intro": "Wähle ein neues Passwort für {jid}.",
    "reset_title": "Neues Passwort setzen",
    "scan": "Richte die Kamera deines Telefons auf diesen Code; er öffnet die Einladung dort.",
    "set_password": "Passwort setzen",
    "unwanted": "Wenn du das nicht möchtest, brauchst du nichts zu tun.",
    "username": "Benutzername",
    "username_fixed": "Dieser Name ist für dich reserviert.",
    "username_hint": "Was in deiner Adresse vor @{host} steht.",
    "username_missing": "Wähle einen Benutzernamen.",
    "username_taken": "Dieser Name ist vergeben: wähle einen anderen.",
    "username_unfit": "Ein Name kann weder Leerzeichen noch eines der Zeichen \" & ' / : < > @ enthalten.",
}
TEXTS: Final[Mapping[str, Mapping[str, str]]] = {"en": ENGLISH, "de": GERMAN}
NAMES: Final = (("en", "English"), ("de", "Deutsch"))
MOST: Final = 20
"""Languages in a header that are looked at."""


def language(wanted: str, accepted: str) -> str:
    """Give the language to speak: the one that is *wanted*, else the best of an Accept-Language (RFC 9110 12.5.4)."""
    if wanted in TEXTS:
        return wanted
    best, quality = "en", 0.0
    for part in accepted.split(",")[:MOST]:
        name, _, weight = part.partition(";")
        code = name.strip().lower().partition("-")[0]
        found = _weight(weight)
        if code in TEXTS and found > quality:
            best, quality = code, found
    return best


def _weight(text: str) -> float:
    name, _, value = text.strip().partition("=")
    if not name:
        return 1.0
    try:
        return float(value) if name.strip() == "q" else 0.0
    except ValueError:
        return 0.0
