"""A soak: a long mixed load with clients that drop, read slowly and send garbage; nothing may be left of them."""
