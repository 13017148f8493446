What goes to many costs clients with stream management a third of what it did, and takes 90 bytes a copy in the queue of one that is away, instead of twice its size.
