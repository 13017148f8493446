"""An authorization server's tokens: asked about (RFC 7662), or looked at with its keys (RFC 7519, RFC 7517).

A JWT has to be signed by a key of the server's with an algorithm of public keys, to be issued by ``issuer`` for
``audience``, and to be valid now (RFC 8725 3). PyJWT does that; it is loaded where jwks_url is set.
"""

import importlib
import json
from base64 import b64encode
from typing import Any, Final
from urllib.parse import quote, urlencode

from xmppd.config.elsewhere import OAuth
from xmppd.core.elsewhere import Backend, Unavailable
from xmppd.net.elsewhere.secret import secret_of
from xmppd.net.elsewhere.web import ask

ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Those by which only the server can sign; "none" and secrets that are shared are not among them."""
GOOD: Final = 200
LEEWAY_S: Final = 30
KEYS_S: Final = 300
"""How long its keys are kept; an unknown one is looked for at once."""


def oauth_backend(settings: OAuth) -> Backend:
    """Give the way that is configured."""
    return Introspection(settings) if settings.introspection_url else Keys(settings)


class Introspection:
    """Asks the server about each token."""

    def __init__(self, settings: OAuth) -> None:
        self._settings = settings

    def is_right(self, user: str, host: str, password: str) -> bool:
        """Never: there are no passwords."""
        return False

    def whose(self, token: str) -> str | None:
        """Ask (RFC 7662 2.1); blocks. `Unavailable`."""
        settings = self._settings
        secret = secret_of(settings.client_secret, settings.client_secret_file)
        login = b64encode(f"{quote(settings.client_id, safe='')}:{quote(secret, safe='')}".encode()).decode()
        headers = {
            "Authorization": f"Basic {login}",  # RFC 6749 2.3.1
            "Content-Type": "application/x-www-form-urlencoded",
            "Accept": "application/json",
        }
        body = urlencode({"token": token, "token_type_hint": "access_token"}).encode()
        url = settings.introspection_url or ""
        answer = ask(url, settings.timeout_s, headers, body)
        if answer.status != GOOD:
            raise Unavailable(f"{url} answers with status {answer.status}")
        try:
            claims = json.loads(answer.body)
        except ValueError as error:
            raise Unavailable(f"{url} does not answer with JSON") from error
        if not isinstance(claims, dict) or claims.get("active") is not True:
            return None
        if settings.issuer and claims.get("iss") != settings.issuer:
            return None
        if settings.audience and settings.audience not in _listed(claims.get("aud")):
            return None
        return _name(claims, settings)


class Keys:
    """Looks at each token with the server's keys."""

    def __init__(self, settings: OAuth) -> None:
        self._settings = settings
        self._jwt: Any = importlib.import_module("jwt")
        self._keys = self._jwt.PyJWKClient(
            settings.jwks_url, cache_jwk_set=True, lifespan=KEYS_S, timeout=settings.timeout_s
        )

    def is_right(self, user: str, host: str, password: str) -> bool:
        """Never: there are no passwords."""
        return False

    def whose(self, token: str) -> str | None:
        """Look at it; blocks where the keys are to be fetched. `Unavailable`."""
        jwt, settings = self._jwt, self._settings
        try:
            key = self._keys.get_signing_key_from_jwt(token)
            claims = jwt.decode(
                token,
                key.key,
                algorithms=list(ALGORITHMS),
                audience=settings.audience,
                issuer=settings.issuer,
                leeway=LEEWAY_S,
                options={"require": ["exp", "iss", "aud"]},
            )
        except jwt.PyJWKClientConnectionError as error:
            raise Unavailable(f"{settings.jwks_url} does not answer: {error}") from error
        except (jwt.PyJWTError, ValueError):
            return None
        return _name(claims, settings)


def _name(claims: dict[str, Any], settings: OAuth) -> str | None:
    """Whose the token is, if it has the scope."""
    if settings.scope and settings.scope not in _listed(claims.get("scope")):
        return None
    name = claims.get(settings.username_claim)
    return name if isinstance(name, str) and name else None


def _listed(value: object) -> list[str]:
    """Of one text, with spaces between several, or a list."""
    if isinstance(value, str):
        return value.split()
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []
