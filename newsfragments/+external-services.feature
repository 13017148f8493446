Users are told of relays for calls, with credentials that end after a while (XEP-0215): ``[modules.external_services]``, with the secret of coturn. ``xmppctl check`` looks at secrets and names.
