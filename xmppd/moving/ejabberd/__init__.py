"""Reads what ``ejabberdctl dump`` writes: the tables of Mnesia as text. Its other export is XEP-0227."""
