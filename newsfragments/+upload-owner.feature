Owners see their uploaded files and remove one or all by HTTP, with the password of their account: ``GET /upload``,
``DELETE`` (see "A user's files over HTTP" in the manual).
