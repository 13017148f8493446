``xmppctl backup`` copies all data of one moment into one file, while the server runs; ``xmppctl restore`` checks such a file whole and puts it in the place of what is there, which is kept aside.
