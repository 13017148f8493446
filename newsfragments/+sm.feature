Stream management (XEP-0198): a client that loses its connection loses nothing; an acknowledgement means that a message is on disk, and what a client has not acknowledged outlives the server.
