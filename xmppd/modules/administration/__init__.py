"""Operations as ad-hoc commands, for those who have the right to them (XEP-0133 and more)."""
