What goes to many costs clients with stream management less than a third of what it did, and takes some ten bytes a copy in the queue of one that is away, instead of twice its size.
