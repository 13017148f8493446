Contacts on other servers are told of what an account publishes, where their clients name it, and sent the last item when they come.
