When another server, or a component, vanishes without a word, its contacts are asked for, and told to be unavailable where nobody answers; when it is back, they are asked for again.
