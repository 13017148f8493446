``make install DESTDIR=…`` puts what a package needs below a folder, without making a user; the wheel is run from another folder by another user before a change is taken.
