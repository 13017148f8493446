"""Moving in and out: what other servers and this one keep, as one stream of pieces that readers and writers share."""
