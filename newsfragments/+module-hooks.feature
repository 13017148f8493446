``xmppctl module hooks`` shows which module joins which hook of the running server, in the order in which they are called.
