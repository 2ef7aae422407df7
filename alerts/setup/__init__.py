"""Setting up a station in a browser, before there is a daemon: for whoever sits at the machine."""
