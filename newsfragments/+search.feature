Messages of the archive can be found by their words where a host wants it: search = true in [modules.mam] (XEP-0431).
