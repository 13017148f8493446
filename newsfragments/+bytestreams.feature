Files between two clients can be relayed (XEP-0065): a component with ``module = "bytestreams"``, off unless it is configured, with limits for bytes a second, streams and idle ones.
