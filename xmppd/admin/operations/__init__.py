"""What can be done with a server, declared: one file for each subject, one table of all."""
