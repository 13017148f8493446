Whether new rooms keep an archive, unless their owner says otherwise, is an option of the service (``archive``).
