"""Invitations: who may make an account, become a contact or set a new password, by a token that was given to them."""
