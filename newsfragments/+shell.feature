`xmppctl shell` takes one command after the other, with history and completion, or a file of them; accounts, hosts and rooms are completed in bash, zsh and fish too.
