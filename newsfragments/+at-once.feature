What goes to some 500 or fewer leaves in the turn in which it came, instead of up to 10 ms later; what goes to more is still done in short turns.
