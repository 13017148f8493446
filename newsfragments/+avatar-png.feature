``[modules.avatars] convert = true`` publishes photos of vCards as PNG (XEP-0084), converted by Pillow in a process of its own: ``pip install 'xmppd[images]'``.
