The limits of a stream are advertised (XEP-0478).
