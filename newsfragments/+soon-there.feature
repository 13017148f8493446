A message to another server that acknowledges it at once (XEP-0198) is not written to the durable queue first, where its sender has no archive.
